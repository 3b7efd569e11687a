import { z } from 'zod';
import { connection, password, path } from './parts.ts';

/** Where this host, or several, remember what must survive a restart. */
export const state = z.union(
  [
    path.describe(
      'Folder for the spool, the lock of the service, incidents and runs. Default: $XDG_STATE_HOME/lifeboat, as root /var/lib/lifeboat.',
    ),
    z.strictObject({
      folder: path.optional().describe('The same folder.'),
      postgres: z
        .strictObject({
          connection: connection.describe(
            'URL of a database that several hosts share; its role may create a schema there. Never on a protected server.',
          ),
          password: password.optional().describe('Password of that role.'),
        })
        .describe(
          'Where runs of recoveries are kept instead, so that another host takes them over by itself.',
        ),
    }),
  ],
  { error: 'a folder, or { folder: PATH, postgres: { connection: URL } }' },
);
