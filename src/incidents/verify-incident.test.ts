import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IncidentHosts, incidentHosts } from '../../test/support/incident-hosts.ts';
import { writerIn } from '../repository/index.ts';
import type { IncidentEntry } from './entry.ts';
import { decodeEntry, signEntry } from './entry-format.ts';

const patienceMs = 60_000;

describe('verifying an incident', () => {
  let hosts: IncidentHosts;
  let id: string;
  let folder: string;
  const file = (number: number) => {
    const name = files().find((each) => Number.parseInt(each, 10) === number) as string;
    return join(folder, name);
  };
  const files = () => readdirSync(folder).sort();
  const found = async (...repositories: string[]) => {
    const { findings } = await hosts.on('web-1', ...repositories).verify(id, patienceMs);
    return findings.map(({ place, kind, subject }) => `${place}: ${kind} ${subject}`);
  };

  beforeEach(async () => {
    hosts = incidentHosts();
    await using incidents = hosts.on('web-1');
    id = (await incidents.open({ title: 'gone', severity: 'P1' })).id;
    for (const text of ['two', 'three', 'four']) await incidents.tell(id)({ event: 'x.y', text });
    folder = join(hosts.stateFolder('web-1'), 'incidents', id, 'entries');
  });
  afterEach(() => hosts[Symbol.dispose]());

  async function sent(): Promise<void> {
    await hosts.createRepository('main');
    await using incidents = hosts.on('web-1', 'main');
    await incidents.exchange(id, patienceMs);
  }

  it('finds nothing where nothing was done', async () => {
    expect(await found()).toEqual([]);
    await sent();
    const verification = await hosts.on('web-1', 'main').verify(id, patienceMs);
    expect(verification).toMatchObject({
      findings: [],
      places: [
        { name: 'this host', entries: 4 },
        { name: 'main', entries: 4 },
      ],
      writers: [{ hosts: ['web-1'], entries: 4, isAccepted: true, isThisHost: true }],
    });
  });

  it('names an entry that was changed', async () => {
    writeFileSync(file(2), readFileSync(file(2), 'utf8').replace('"two"', '"too"'));
    expect(await found()).toEqual([expect.stringMatching(/^this host: changed 000002-/)]);
  });

  it('names an entry that was cut off, or emptied', async () => {
    writeFileSync(file(2), readFileSync(file(2)).subarray(0, 100));
    writeFileSync(file(3), '');
    expect(await found()).toEqual([
      expect.stringMatching(/^this host: changed 000002-/),
      expect.stringMatching(/^this host: changed 000003-/),
    ]);
  });

  it('names entries that were removed', async () => {
    rmSync(file(2));
    rmSync(file(3));
    expect(await found()).toEqual([
      'this host: missing entry 2 of web-1',
      'this host: missing entry 3 of web-1',
    ]);
  });

  it('names the newest one that was removed, when a repository had it', async () => {
    await sent();
    rmSync(file(4));
    hosts.takeAway('main');
    expect(await found()).toEqual([
      expect.stringMatching(/^this host: missing entry [0-9a-f]{8}$/),
    ]);
    hosts.putBack('main');
    expect(await found('main')).toEqual(['this host: missing entry 4 of web-1']);
  });

  it('names entries whose order was changed', async () => {
    const [two, three] = [file(2), file(3)];
    renameSync(two, `${two}-aside`);
    renameSync(three, two);
    renameSync(`${two}-aside`, three);
    expect(await found()).toEqual([
      expect.stringMatching(/^this host: reordered 000002-/),
      expect.stringMatching(/^this host: reordered 000003-/),
    ]);
  });

  it('names one that its own writer signed anew into another place', async () => {
    // Whoever took over the host has its key.
    const writer = await writerIn(hosts.stateFolder('web-1'));
    const { entry } = decodeEntry(readFileSync(file(3), 'utf8'));
    const { id: _, writer: __, ...content } = entry;
    writeFileSync(file(3), signEntry({ ...content, text: 'never three' }, writer).text);
    expect(await found()).toEqual(['this host: reordered entry 4 of web-1']);
  });

  it('names a number that was given twice', async () => {
    const writer = await writerIn(hosts.stateFolder('web-1'));
    const { entry } = decodeEntry(readFileSync(file(4), 'utf8'));
    const { id: _, writer: __, ...content } = entry;
    const twin = signEntry({ ...content, text: 'another four' }, writer);
    const path = file(4).replace('.entry', `-${twin.entry.id.slice(0, 16)}.entry`);
    writeFileSync(path, twin.text);
    expect(await found()).toEqual(['this host: number-twice entry 4 of web-1']);
  });

  it('names one that came from another incident', async () => {
    const other = await hosts.on('web-1').open({ title: 'other', severity: 'P3' });
    const place = join(folder, '../..', other.id, 'entries');
    rmSync(file(1));
    for (const name of readdirSync(place)) copyFileSync(join(place, name), join(folder, name));
    expect(await found()).toContainEqual(expect.stringMatching(/^this host: reordered 000001-/));
  });

  it('names a stranger, here and in a repository, until somebody accepts it', async () => {
    await sent();
    await using stranger = hosts.on('web-9', 'main');
    await stranger.find(id);
    await stranger.tell(id)({ event: 'x.y', text: 'I was here too' });
    await stranger.exchange(id, patienceMs);
    expect(await found('main')).toEqual([
      expect.stringMatching(/^main: unknown-writer key [0-9a-f]{16}$/),
    ]);
    await using incidents = hosts.on('web-1', 'main');
    await incidents.exchange(id, patienceMs);
    const [, second] = (await incidents.verify(id, patienceMs)).writers;
    expect(second).toMatchObject({ hosts: ['web-9'], isAccepted: false, entries: 1 });
    expect(await found('main')).toHaveLength(2);
    await incidents.acceptWriter(id, (second?.key ?? '').slice(0, 12));
    await incidents.exchange(id, patienceMs);
    expect(await found('main')).toEqual([]);
    expect((await stranger.verify(id, patienceMs)).findings).toEqual([]);
  });

  it('does not take a signature of another key for the one it names', async () => {
    const { entry } = decodeEntry(readFileSync(file(3), 'utf8'));
    const other = await writerIn(hosts.stateFolder('web-9'));
    const { id: _, writer: __, ...content } = entry;
    const forged = signEntry(content, other).text.replace(other.publicKey, entry.writer);
    writeFileSync(file(3), forged);
    expect(await found()).toEqual([expect.stringMatching(/^this host: changed 000003-/)]);
  });

  it('names what was removed from a repository, or damaged there', async () => {
    await sent();
    const records = join(hosts.folder, 'repository-main/lifeboat/snapshots');
    const stored = readdirSync(records, { recursive: true, withFileTypes: true });
    const paths = stored
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name));
    const [only] = paths as [string];
    expect(paths).toHaveLength(1);
    const bytes = readFileSync(only);
    rmSync(only);
    expect(await found('main')).toEqual(
      [1, 2, 3, 4].map((number) => `main: missing entry ${number} of web-1`),
    );
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    writeFileSync(only, bytes);
    expect(await found('main')).toContainEqual(expect.stringMatching(/^main: changed record /));
  });

  it('names entries in a repository that nobody signed like that', async () => {
    await sent();
    await using repository = await hosts.open('main');
    const text = readFileSync(file(2), 'utf8').replace('"two"', '"too"');
    await repository.records.append({ kind: 'incident', source: id, body: { entries: [text, 7] } });
    expect(await found('main')).toEqual([expect.stringMatching(/^main: changed record /)]);
  });

  it('says which repository it could not look at', async () => {
    await sent();
    hosts.takeAway('main');
    expect(await found('main')).toEqual(['main: not-verified main']);
  });

  it('reads on behind damage, and numbers go on', async () => {
    writeFileSync(file(4), 'nonsense');
    await using incidents = hosts.on('web-1');
    await incidents.tell(id)({ event: 'x.y', text: 'five' });
    const texts = (await incidents.timeline(id)).map(({ sequence, text }: IncidentEntry) => {
      return `${sequence} ${text}`;
    });
    expect(texts).toEqual(['1 opened as P1: gone', '2 two', '3 three', '5 five']);
    expect(await found()).toEqual([expect.stringMatching(/^this host: changed 000004-/)]);
  });
});
