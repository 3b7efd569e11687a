import type { Session } from '../../rescue/session.ts';
import { displayName } from '../../rescue/sql-text.ts';
import type { Check, CheckPlan, CheckUnit, NotChecked } from '../check.ts';
import type { Desk } from '../desk.ts';
import type { Place } from '../place.ts';

export const extensionLibraries = Object.freeze<Check>({
  name: 'extension-libraries',
  title: 'the libraries and extensions that the data needs are installed',
  objects: ['library or extension', 'libraries and extensions'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const { name: database } of place.databases) {
    const session = await desk.session(database);
    units.push(...(await extensionUnits(session, database)));
    units.push(...(await functionUnits(session, database)));
  }
  const [first] = place.databases;
  if (first === undefined) return { units, notChecked };
  if (place.preloadLibraries === undefined) {
    notChecked.push({
      what: 'shared_preload_libraries',
      why: 'the configuration of the original is not in the snapshot',
    });
  }
  for (const library of place.preloadLibraries ?? []) {
    const why = 'it is in shared_preload_libraries of the original';
    units.push(libraryUnit(first.name, library, `library ${library}`, why));
  }
  return { units, notChecked };
}

/** An extension whose control file is missing: neither upgraded nor dumped and restored. */
async function extensionUnits(session: Session, database: string): Promise<CheckUnit[]> {
  const rows = await session.rows<{ name: string; available: boolean }>(
    `select extname::text as name, exists (select from pg_available_extensions a
       where a.name = e.extname) as available from pg_extension e order by 1`,
  );
  return rows.map(({ name, available }) => ({
    object: `extension ${name} of ${database}`,
    bytes: 0,
    run: async () => ({
      problems: available ? [] : ['it is not installed with the server programs'],
    }),
  }));
}

async function functionUnits(session: Session, database: string): Promise<CheckUnit[]> {
  const rows = await session.rows<{
    library: string;
    count: string;
    schema: string;
    name: string;
  }>(
    `select p.probin as library, count(*)::text as count, min(n.nspname::text) as schema,
       min(p.proname::text) as name
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     join pg_language l on l.oid = p.prolang
     where l.lanname = 'c' and p.probin is not null group by 1 order by 1`,
  );
  return rows.map(({ library, count, schema, name }) => {
    const others = count === '1' ? '' : ` and ${Number(count) - 1} more`;
    const why = `the function ${displayName(schema, name)}${others} needs it`;
    return libraryUnit(database, library, `library ${library} of ${database}`, why);
  });
}

function libraryUnit(database: string, library: string, object: string, why: string): CheckUnit {
  return {
    object,
    bytes: 0,
    run: async (desk) => {
      const session = await desk.session(database);
      const [facts] = await session.rows<{ folder: string; path: string }>(
        `select (select setting from pg_config where name = 'PKGLIBDIR') as folder,
           current_setting('dynamic_library_path') as path`,
      );
      if (facts === undefined) return { problems: [] };
      for (const file of candidates(library, facts.folder, facts.path)) {
        const [found] = await session.rows<{ there: boolean }>(
          'select pg_stat_file($1, true) is distinct from null as there',
          [file],
        );
        if (found?.there) return { problems: [] };
      }
      return { problems: [`it is missing; ${why}`] };
    },
  };
}

/** Where the server looks: as written, and with the ending of libraries. */
function candidates(library: string, folder: string, path: string): readonly string[] {
  const places = library.includes('/')
    ? [library]
    : path.split(':').map((each) => `${each}/${library}`);
  return places
    .map((each) => each.replace(/^\$libdir(?=\/|$)/, folder))
    .flatMap((each) => [each, `${each}.so`, `${each}.dylib`]);
}
