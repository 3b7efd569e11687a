/** Settings that a server must not have smaller than the one it was copied from, if it is to replay its WAL. */
export const replaySettings = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
] as const;

/** Parts of names of files that a server needs in order to start; a distribution may keep them elsewhere. */
export interface DefaultFile {
  readonly name: string;
  readonly text: string;
}

/**
 * What is put beside the data when the server keeps its configuration elsewhere. Deliberately little: no preloaded
 * libraries, no archiving, no network. `settings` are the server's values of `replaySettings`.
 */
export function defaultConfiguration(settings: ReadonlyMap<string, string>): DefaultFile[] {
  const lines = [...settings].map(([name, value]) => `${name} = ${value}`);
  return [
    {
      name: 'postgresql.conf',
      text: [
        '# Added by Lifeboat: the server kept its own configuration outside of the data directory.',
        '# Enough to start a copy. Look into the original before you serve users from it.',
        "listen_addresses = ''",
        ...lines,
        '',
      ].join('\n'),
    },
    {
      name: 'pg_hba.conf',
      text: [
        '# Added by Lifeboat: the server kept its own file outside of the data directory.',
        '# TYPE  DATABASE  USER  METHOD',
        'local   all       all   peer',
        '',
      ].join('\n'),
    },
    {
      name: 'pg_ident.conf',
      text: '# Added by Lifeboat: the server kept its own file outside of the data directory.\n',
    },
  ];
}
