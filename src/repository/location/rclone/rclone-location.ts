import { createHash } from 'node:crypto';
import { LifeboatError } from '../../../core/index.ts';
import { assertFileName } from '../file-name.ts';
import type { FileKind, Location } from '../location.ts';
import { LocationDecorator } from '../location-decorator.ts';
import { existsAlready } from '../rest-error.ts';
import { RestLocation } from '../rest-location.ts';
import { RcloneTransport } from './rclone-transport.ts';
import { shellWords } from './shell-words.ts';

/**
 * Whatever rclone reaches (SFTP, Azure, B2, drives). rclone replaces what exists and believes every name, so both are looked at
 * here. Between the look for a config and its writing another host may write one; rclone has no way to exclude that.
 */
export class RcloneLocation extends LocationDecorator {
  override async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    assertFileName(kind, name);
    if (kind === 'config') {
      const found = await this.inner.list('config', signal);
      if (found.length > 0) throw existsAlready(`could not write config to ${this.describe()}`);
    } else if (createHash('sha256').update(bytes).digest('hex') !== name) {
      throw new LifeboatError(
        'location.refused',
        `could not write ${kind}/${name} to ${this.describe()}: the name is not the hash`,
      );
    }
    await this.inner.write(kind, name, bytes, signal);
  }

  protected around(inner: Location): Location {
    return new RcloneLocation(inner);
  }
}

/**
 * `rclone:remote:path`, as restic names it. `LIFEBOAT_RCLONE_PROGRAM` is the program (default: `rclone` on PATH),
 * `LIFEBOAT_RCLONE_ARGS` more of its options, such as `--append-only --bwlimit 2M`; rclone's own variables (`RCLONE_CONFIG`)
 * reach it as they are.
 */
export function parseRcloneLocation(text: string, environment: NodeJS.ProcessEnv): Location {
  const remote = text.slice('rclone:'.length);
  if (!remote.includes(':')) {
    throw new LifeboatError('usage.invalid', `cannot use this repository location: ${text}`, {
      hint: 'Write rclone:REMOTE:PATH; `rclone listremotes` names the remotes.',
    });
  }
  const program = environment.LIFEBOAT_RCLONE_PROGRAM || 'rclone';
  const extra = shellWords(environment.LIFEBOAT_RCLONE_ARGS ?? '', 'LIFEBOAT_RCLONE_ARGS');
  // B2 hides files that are deleted and keeps what they cost, unless it is told otherwise.
  const words = ['serve', 'restic', '--stdio', '--b2-hard-delete', ...extra, '--', remote];
  // A remote written out (`:sftp,host=...,pass=...:path`) may hold a password.
  const description = text.replace(/,.*:/, ',...:');
  const transport = new RcloneTransport({ program, arguments: words, environment }, description);
  const base = new URL('http://localhost/');
  return new RcloneLocation(new RestLocation(base, { kind: 'rclone', transport, description }));
}
