import { LifeboatError } from '../core/index.ts';
import { type ConnectionSettings, parseConnectionUrl } from '../sources/index.ts';

/** A server named on the command line. Its password never is: every user of the machine sees arguments. Errors: `usage.invalid`. */
export function parseTargetUrl(text: string): ConnectionSettings {
  const connection = parseConnectionUrl(text);
  if (connection.password === undefined) return connection;
  throw new LifeboatError(
    'usage.invalid',
    'the URL holds a password, which every user of this machine can see',
    {
      hint: 'Leave it out of the URL: give it in PGPASSWORD or ~/.pgpass. And change it: it was seen.',
    },
  );
}
