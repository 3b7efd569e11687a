/** What a superuser runs once so that `role` can protect the cluster and do nothing else to it. */
export function roleSql(role: string): readonly string[] {
  const name = quoteIdentifier(role);
  return [
    `CREATE ROLE ${name} LOGIN REPLICATION;`,
    `GRANT pg_read_all_data TO ${name};  -- counts rows for the baseline; PostgreSQL 14 and newer`,
    `\\password ${role}`,
  ];
}

function quoteIdentifier(text: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
