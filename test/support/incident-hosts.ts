import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { type Incidents, openIncidents } from '../../src/incidents/index.ts';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { temporaryFolder } from './postgres.ts';

const password = new Secret('a password of the tests');

/** Hosts with state folders of their own around real repositories that can be taken away and put back. */
export interface IncidentHosts {
  readonly folder: string;
  stateFolder(host: string): string;
  /** The incidents of a host, with these repositories. Each call is a new process's view. */
  on(host: string, ...repositories: string[]): Incidents;
  createRepository(name: string): Promise<void>;
  /** Nothing answers at its place any more. */
  takeAway(name: string): void;
  putBack(name: string): void;
  open(name: string): ReturnType<typeof openRepository>;
  [Symbol.dispose](): void;
}

export function incidentHosts(): IncidentHosts {
  const folder = temporaryFolder('incidents');
  const place = (name: string) => join(folder, `repository-${name}`);
  const stateFolder = (host: string) => join(folder, `state-${host}`);
  const open = (name: string, host = 'reader') =>
    openRepository({
      location: new LocalLocation(place(name)),
      password,
      stateFolder: stateFolder(host),
    });
  return {
    folder,
    stateFolder,
    open,
    on: (host, ...repositories) =>
      openIncidents({
        stateFolder: stateFolder(host),
        actor: 'anna',
        sendWithinMs: 60_000,
        host,
        repositories: repositories.map((name) => ({ name, open: () => open(name, host) })),
      }),
    async createRepository(name) {
      await using _ = await initRepository({ location: new LocalLocation(place(name)), password });
    },
    takeAway: (name) => renameSync(place(name), `${place(name)}-away`),
    putBack: (name) => renameSync(`${place(name)}-away`, place(name)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
