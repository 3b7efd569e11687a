import { type Check, whole } from '../check.ts';

export const consistency = Object.freeze<Check>({
  name: 'consistency',
  title: 'the server starts and reaches a consistent state',
  objects: ['server', 'servers'],
  plan: async (place) => ({
    notChecked: [],
    units: [
      {
        object: `the server at ${place.position}`,
        bytes: 0,
        run: async (desk) => {
          const [database] = place.databases;
          if (database === undefined) return { problems: ['it has no database to connect to'] };
          const session = await desk.session(database.name);
          const [row] = await session.rows<{ recovering: boolean }>(
            'select pg_is_in_recovery() as recovering',
          );
          // A live standby replays for ever; a copy must have come to its end.
          const isStuck = place.kind === 'copy' && row?.recovering !== false;
          return isStuck ? { problems: ['it is still recovering'] } : whole;
        },
      },
    ],
  }),
});
