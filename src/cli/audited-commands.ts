/** What was asked of a command. */
export interface AuditedInput {
  readonly arguments: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

type IsEntered = (input: AuditedInput) => boolean;

const always: IsEntered = () => true;
const unlessDry: IsEntered = ({ options }) => options.dryRun !== true;

/**
 * Commands that enter the timeline of an incident that is open, and when they do: all that changes something, and what the search for the
 * loss is made of. Those that only show what is there do not.
 */
export const auditedCommands: Readonly<Record<string, IsEntered>> = {
  announce: always,
  assess: always,
  backup: unlessDry,
  copy: unlessDry,
  extract: always,
  'find-loss': always,
  forget: unlessDry,
  freeze: unlessDry,
  init: always,
  key: ({ arguments: [action] }) => action !== 'list',
  open: always,
  plan: always,
  prove: always,
  prune: unlessDry,
  recover: ({ options }) => options.status !== true,
  repair: unlessDry,
  rescue: unlessDry,
  restore: unlessDry,
  tag: unlessDry,
  thaw: unlessDry,
  unlock: unlessDry,
};
