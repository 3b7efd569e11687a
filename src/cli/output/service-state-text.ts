import { formatDuration } from '../../core/index.ts';
import type { PlatformKind, ServiceStatus } from '../../platforms/index.ts';
import type { ApplicationResult } from '../../recovery/index.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** A service as it was found. */
export interface SeenService {
  readonly name: string;
  readonly platform: PlatformKind;
  readonly place: string;
  readonly status: ServiceStatus;
  readonly text: string;
  readonly writes: readonly string[];
  readonly health?: ApplicationResult;
  readonly checks: readonly ApplicationResult[];
}

export function describeService(service: SeenService, style: Style): string {
  const { bold, dim, green, red, yellow } = style;
  const isUp = service.status === 'running';
  const mark = isUp ? green('✓') : service.status === 'starting' ? yellow('!') : red('✗');
  const writes = service.writes.length === 0 ? '' : `, writes to ${service.writes.join(', ')}`;
  return [
    `${mark} ${bold(service.name)}  ${service.status}: ${printable(service.text)}`,
    `    ${dim(`${printable(service.place)}${writes}`)}`,
    ...(service.health ? [describeResult(service.health, style)] : []),
    ...service.checks.map((each) => describeResult(each, style)),
  ].join('\n');
}

/** One check of a service, indented under it. */
export function describeResult(
  { check, verdict, fact, durationMs }: ApplicationResult,
  { green, red, yellow, dim }: Style,
): string {
  const mark = { passed: green('✓'), failed: red('✗'), 'not-checked': yellow('!') }[verdict];
  return `    ${mark} ${printable(check)}: ${printable(fact)} ${dim(`(${formatDuration(durationMs)})`)}`;
}
