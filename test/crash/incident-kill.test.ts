import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openIncidents } from '../../src/incidents/index.ts';
import { incidentHosts } from '../support/incident-hosts.ts';
import { imageDisk, smallDisk } from '../support/small-disk.ts';

const kills = process.env.LIFEBOAT_SOAK === '1' ? 100 : 5;

/** What was acknowledged until the process was killed, after so many entries. */
async function killedAfter(
  entries: number,
  place: { readonly stateFolder: string; readonly id: string; readonly name: string },
): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'repeat-entries.ts');
  const { stateFolder, id, name } = place;
  const child = spawn(process.execPath, [script, stateFolder, id, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > entries) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  // A line that was cut off is not acknowledged.
  return output.split('\n').slice(0, -1);
}

it('no entry that was acknowledged is lost by kill -9, with two processes of one host at work', async () => {
  using hosts = incidentHosts();
  const incidents = hosts.on('web-1');
  const { id } = await incidents.open({ title: 'gone', severity: 'P1' });
  const stateFolder = hosts.stateFolder('web-1');
  const acknowledged: string[] = [];
  for (let round = 0; round < kills; round++) {
    const both = await Promise.all([
      killedAfter(1 + (round % 7), { stateFolder, id, name: `a${round}` }),
      killedAfter(3 + (round % 5), { stateFolder, id, name: `b${round}` }),
    ]);
    acknowledged.push(...both.flat());
    await incidents.tell(id)({ event: 'x.y', text: `between ${round}` });
    acknowledged.push(`between ${round}`);
  }
  const reader = hosts.on('web-1');
  const texts = (await reader.timeline(id)).map(({ text }) => text);
  expect(acknowledged.length).toBeGreaterThan(kills * 4);
  expect(acknowledged.filter((text) => !texts.includes(text))).toEqual([]);
  expect((await reader.verify(id, 1000)).findings).toEqual([]);
});

it('a full disk refuses an entry, loses none, and takes the next when there is room', async (context) => {
  using disk = smallDisk(context, 8);
  const incidents = openIncidents({ stateFolder: disk.folder, actor: 'anna', host: 'web-1' });
  const { id } = await incidents.open({ title: 'gone', severity: 'P1' });
  await incidents.tell(id)({ event: 'x.y', text: 'before' });
  disk.fill(0);
  const full = incidents.tell(id)({ event: 'x.y', text: 'refused' });
  await expect(full).rejects.toMatchObject({ code: 'disk.full' });
  expect((await incidents.find('current')).entries).toBe(2);
  disk.makeRoom();
  await incidents.tell(id)({ event: 'x.y', text: 'after' });
  const again = openIncidents({ stateFolder: disk.folder, actor: 'anna', host: 'web-1' });
  const texts = (await again.timeline(id)).map(({ text }) => text);
  expect(texts).toEqual(['opened as P1: gone', 'before', 'after']);
  expect((await again.verify(id, 1000)).findings).toEqual([]);
});

it('an entry that was acknowledged is there after a loss of power', async (context) => {
  using disk = imageDisk(context, 16);
  const stateFolder = join(disk.folder, 'not', 'there', 'yet');
  const incidents = openIncidents({ stateFolder, actor: 'anna', host: 'web-1' });
  const { id } = await incidents.open({ title: 'gone', severity: 'P1' });
  await incidents.tell(id)({ event: 'x.y', text: 'acknowledged' });
  const stored = disk.afterPowerLoss((folder) => {
    const entries = join(folder, 'not/there/yet/incidents', id, 'entries');
    // The temporary name of the last one may have come back: its removal was never forced to the disk.
    const names = readdirSync(entries).filter((name) => name.endsWith('.entry'));
    names.sort();
    return names.map((name) => readFileSync(join(entries, name), 'utf8'));
  });
  expect(stored).toMatchObject([
    expect.stringContaining('"opened as P1: gone"'),
    expect.stringContaining('"acknowledged"'),
  ]);
});
