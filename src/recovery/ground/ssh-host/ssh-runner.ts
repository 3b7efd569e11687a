import { createHash } from 'node:crypto';
import type { GroundFile } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import { machinesOf } from '../../../platforms/index.ts';
import type { GroundRequest } from '../ground.ts';
import { runScript, type ScriptEnd } from '../in-volume/run-script.ts';
import { script } from '../in-volume/script.ts';
import type { RunnerCall, ScriptRunner } from '../in-volume/script-place.ts';
import { encodeWord, wordDecoder } from './plain-words.ts';

export type SshHostSetting = Extract<GroundFile, { kind: 'ssh-host' }>;

/**
 * Runs the script on another host. There `sshd` gives the command line to the login shell, whichever that is: what stands in it means the
 * same to all of them. The script itself comes first on the input, names as digits.
 */
export class SshRunner implements ScriptRunner {
  readonly kind = 'ssh-host';
  readonly folder: string;
  readonly #setting: SshHostSetting;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(setting: SshHostSetting, environment: NodeJS.ProcessEnv) {
    const { folder } = setting;
    if (!folder.startsWith('/') || folder.includes('\n')) {
      throw new LifeboatError('config.invalid', `${folder} is no absolute path`, {
        hint: 'Name the folder on the other host from its root.',
      });
    }
    this.#setting = setting;
    this.#environment = environment;
    this.folder = folder.replace(/(?<=.)\/+$/, '');
  }

  describe(): string {
    return this.describePath(this.folder);
  }

  describePath(path: string): string {
    const { host, port } = this.#setting;
    return `${path} on ${host}${port === undefined ? '' : ` port ${port}`}`;
  }

  async identify(request: GroundRequest) {
    const words = ['machine', this.folder, 'none'];
    const end = await this.run(words, { ...request, token: 'none', purpose: 'look' });
    const machine = /^machine (.+)$/m.exec(end.stdout.toString('utf8'))?.[1];
    if (end.exitCode !== 0 || machine === undefined) throw this.#unreachable(end);
    const facts = JSON.stringify(['ssh-host', machine, this.folder]);
    const fingerprint = createHash('sha256').update(facts).digest('hex').slice(0, 32);
    return { text: this.describe(), fingerprint, machines: machinesOf(machine) };
  }

  async run(args: readonly string[], { input, signal }: RunnerCall): Promise<ScriptEnd> {
    const text = Buffer.from(`${wordDecoder}${script}`);
    const end = await runScript({
      program: 'ssh',
      args: [...this.#options(), '--', this.#setting.host, remoteCommand(text.length, args)],
      environment: this.#environment,
      input: inTurn(text, input),
      signal,
    });
    if (end.exitCode === 255 || end.exitCode === 127) throw this.#unreachable(end);
    return end;
  }

  #options(): readonly string[] {
    const { port, identity, knownHosts } = this.#setting;
    return [
      // Never a question, never a host that is not known.
      ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
      ...['-o', 'ConnectTimeout=20', '-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4'],
      ...['-o', 'ClearAllForwardings=yes', '-o', 'RequestTTY=no', '-o', 'LogLevel=ERROR'],
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(identity === undefined ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes']),
      ...(knownHosts === undefined ? [] : ['-o', `UserKnownHostsFile="${knownHosts}"`]),
    ];
  }

  #unreachable({ stderr, exitCode }: ScriptEnd): LifeboatError {
    const lines = stderr.split('\n').filter((line) => line.trim() !== '');
    const fact = lines.at(-1)?.trim() ?? `ssh ended with ${exitCode}`;
    const { host, port } = this.#setting;
    const command = `ssh ${port === undefined ? '' : `-p ${port} `}${host} true`;
    return new LifeboatError('ground.unavailable', `could not work on ${host}: ${fact}`, {
      hint: `Try \`${command}\` as the account that runs Lifeboat: its key must be accepted without a password, and the host be known.`,
      context: { said: lines.slice(-4) },
      retryable: true,
    });
  }
}

/** Read byte by byte, so that what follows the script is left for it. No shell finds anything to expand between these quotes. */
function remoteCommand(scriptBytes: number, args: readonly string[]): string {
  const start = `eval "$(dd bs=1 count=${scriptBytes} 2>/dev/null)"`;
  return `exec sh -c '${start}' lifeboat ${args.map(encodeWord).join(' ')}`;
}

async function* inTurn(
  text: Buffer,
  input: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  yield text;
  if (input) yield* input;
}
