import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { incidentHosts } from '../../test/support/incident-hosts.ts';
import { keepIncidents } from './incident-keeper.ts';

it('sends what was entered while nobody could reach a repository, also of an incident that is over', async () => {
  using hosts = incidentHosts();
  await hosts.createRepository('main');
  const alone = hosts.on('web-1');
  const open = await alone.open({ title: 'gone', severity: 'P1' });
  const over = await alone.open({ title: 'over', severity: 'P3' });
  await alone.close(over.id, 'nothing');
  const ending = new AbortController();
  const kept = keepIncidents({
    stateFolder: hosts.stateFolder('web-1'),
    repositories: [{ name: 'main', open: () => hosts.open('main') }],
    signal: ending.signal,
  });
  const pending = async () => {
    const host = hosts.on('web-1', 'main');
    const all = [await host.deliveries(open.id), await host.deliveries(over.id)];
    return all.flat().reduce((sum, each) => sum + each.pending, 0);
  };
  while ((await pending()) > 0) await pause(50);
  ending.abort();
  await kept;
  const elsewhere = hosts.on('web-2', 'main');
  expect(await elsewhere.find(open.id)).toMatchObject({ title: 'gone', status: 'investigating' });
  expect(await elsewhere.find(over.id)).toMatchObject({ title: 'over', status: 'closed' });
});
