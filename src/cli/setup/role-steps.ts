import { join } from 'node:path';
import { parseConnectionUrl } from '../../sources/index.ts';
import { quoteArgument } from '../next-command.ts';
import type { Style } from '../output/style.ts';
import { hbaLines, roleSql } from './role-sql.ts';
import type { ChosenServer, SetupChoices } from './setup-choices.ts';

/** How a superuser makes the role and lets it in, and where its password goes. */
export function roleSteps(
  { connection, server }: Pick<SetupChoices, 'server'> & { readonly connection: string },
  folder: string,
  dim: Style['dim'],
): string[][] {
  const settings = parseConnectionUrl(connection);
  if (server) return containerSteps(settings, server, folder, dim);
  const address = settings.host.startsWith('/')
    ? ''
    : ` ${dim('(samehost: or the address of this machine, such as 192.0.2.7/32)')}`;
  return [
    [
      `As a superuser of the server, in psql ${dim('(a role that may read and stream, nothing else)')}:`,
      ...roleSql(settings).map((line) => `  ${line}`),
      `In pg_hba.conf, above lines that fit too; then SELECT pg_reload_conf();${address}:`,
      ...hbaLines(settings).map((line) => `  ${line}`),
    ],
    [
      `Write the password into ${join(folder, 'database.password')}`,
      `${dim('(chmod 600)')}, and take the # away from the line \`password:\` in lifeboat.yaml.`,
      'The same for `rescue:`, a role that may write.',
    ],
  ];
}

function containerSteps(
  settings: ReturnType<typeof parseConnectionUrl>,
  server: ChosenServer,
  folder: string,
  dim: Style['dim'],
): string[][] {
  const { container, user, database, dataFolder, hasPassword, passwordVariable } = server;
  const name = quoteArgument(container);
  const psql = `psql -U ${quoteArgument(user)} ${quoteArgument(database)}`;
  const hba = `${dataFolder === undefined ? '"$PGDATA"' : quoteArgument(dataFolder)}/pg_hba.conf`;
  const lines = hbaLines(settings, true).map((line) =>
    /^[\w ]+$/.test(line.replaceAll('-', '')) ? `"${line}"` : quoteArgument(line),
  );
  const append = quoteArgument(`printf "%s\\n" ${lines.join(' ')} >>${hba}`);
  const [own, owner] = ['database.password', 'owner.password'].map((each) => join(folder, each));
  const isIn = hasPassword
    ? []
    : [
        'If the server asks for passwords, take the # away from the lines `password:` in lifeboat.yaml.',
      ];
  const copied =
    passwordVariable === undefined
      ? `The same for ${user}, who may write: into ${owner}`
      : `(umask 077; docker exec ${name} printenv ${passwordVariable} >${quoteArgument(owner as string)})   ${dim(`# that of ${user}, who may write`)}`;
  return [
    [
      `Make the role ${dim('(it may read and stream, nothing else)')}, in psql:`,
      `  docker exec -it ${name} ${psql}`,
      ...roleSql(settings, true).map((line) => `  ${line}`),
      'Let it in, and have the server read that:',
      `  docker exec ${name} sh -c ${append}`,
      `  docker exec ${name} ${psql} -c "SELECT pg_reload_conf()"`,
    ],
    [`Write the password of the role into ${own} ${dim('(chmod 600)')}`, copied, ...isIn],
  ];
}
