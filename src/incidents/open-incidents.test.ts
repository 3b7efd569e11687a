import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IncidentHosts, incidentHosts } from '../../test/support/incident-hosts.ts';
import { type Attachment, attachmentOf, type IncidentEntry } from './index.ts';

describe('incidents', () => {
  let hosts: IncidentHosts;
  beforeEach(() => {
    hosts = incidentHosts();
  });
  afterEach(() => hosts[Symbol.dispose]());

  it('need nothing but a state folder', async () => {
    await using incidents = hosts.on('web-1');
    const opened = await incidents.open({ title: 'orders are gone', severity: 'P1' });
    expect(opened).toMatchObject({
      title: 'orders are gone',
      severity: 'P1',
      status: 'investigating',
      openedBy: 'anna',
      openedOn: 'web-1',
      sources: [],
    });
    expect(opened.respondBy.getTime() - opened.openedAt.getTime()).toBe(3_600_000);
    await incidents.tell(opened.id)({
      event: 'freeze.service-stopped',
      text: 'stopped the service api',
      source: 'database',
      durationMs: 1234.4,
      data: { service: 'api', lsn: 12n },
    });
    const again = hosts.on('web-1');
    expect((await again.find('current')).id).toBe(opened.id);
    expect((await again.find(opened.id.slice(9, 13))).id).toBe(opened.id);
    const entries = await again.timeline(opened.id);
    expect(entries.map(({ event, sequence }) => `${sequence} ${event}`)).toEqual([
      '1 incident.opened',
      '2 freeze.service-stopped',
    ]);
    expect(entries[1]).toMatchObject({
      actor: 'anna',
      host: 'web-1',
      durationMs: 1234,
      previous: entries[0]?.id,
      data: { service: 'api', lsn: '12' },
    });
  });

  it('change, are assigned, are closed, and stay closed', async () => {
    await using incidents = hosts.on('web-1');
    const { id } = await incidents.open({ title: 'x', severity: 'P2', sources: ['database'] });
    const changed = await incidents.update(id, {
      severity: 'P0',
      status: 'recovering',
      lead: 'anna',
      assignees: ['ben'],
      checklist: { scope: true },
    });
    expect(changed).toMatchObject({ severity: 'P0', status: 'recovering', lead: 'anna' });
    expect(changed.checklist.filter(({ isDone }) => isDone)).toMatchObject([
      { id: 'scope', by: 'anna' },
    ]);
    const [, entry] = await incidents.timeline(id);
    expect(entry?.text).toBe(
      'severity P2 is now P0; status investigating is now recovering; anna leads; works on it: ben; done: a first look at the scope was taken',
    );
    const closed = await incidents.close(id, 'nothing was lost');
    expect(closed).toMatchObject({ status: 'closed', summary: 'nothing was lost' });
    expect(closed.nextUpdateDue).toBeUndefined();
    await expect(incidents.update(id, { title: 'y' })).rejects.toMatchObject({
      code: 'incident.closed',
    });
    await expect(incidents.find('current')).rejects.toMatchObject({ code: 'incident.unknown' });
    expect(await incidents.list({ onlyOpen: true })).toEqual([]);
    expect(await incidents.list({ onlyOpen: true })).toEqual([]);
    expect(await incidents.list()).toMatchObject([{ id }]);
  });

  it('keep what recoveries add besides what people named, also of two hosts at the same time', async () => {
    await hosts.createRepository('main');
    await using web = hosts.on('web-1', 'main');
    const { id } = await web.open({ title: 'x', severity: 'P2', sources: ['database'] });
    await web.exchange(id, 60_000);
    await using other = hosts.on('db-1', 'main');
    await other.find(id);
    await web.update(id, { addedSources: ['uploads', 'database'] });
    await other.update(id, { addedSources: ['letters'] });
    await other.exchange(id, 60_000);
    await using again = hosts.on('web-1', 'main');
    await again.exchange(id, 60_000);
    const merged = await again.find(id);
    expect(merged.sources.toSorted()).toEqual(['database', 'letters', 'uploads']);
    expect(merged.addedSources.toSorted()).toEqual(['letters', 'uploads']);
    const named = await again.update(id, { sources: ['uploads'] });
    expect(named).toMatchObject({ sources: ['uploads'], addedSources: [] });
  });

  it('reach every repository, and from there every host', async () => {
    await hosts.createRepository('main');
    await hosts.createRepository('offsite');
    let id: string;
    {
      await using here = hosts.on('web-1', 'main');
      id = (await here.open({ title: 'gone', severity: 'P1' })).id;
      await here.tell(id)({ event: 'x.first', text: 'first' });
    }
    {
      await using there = hosts.on('web-2', 'main', 'offsite');
      expect((await there.find('current')).id).toBe(id);
      await there.tell(id)({ event: 'x.second', text: 'second' });
    }
    // web-1 is gone, and main: what it wrote came through web-2.
    hosts.takeAway('main');
    await using last = hosts.on('web-3', 'offsite');
    expect(await last.find(id)).toMatchObject({ title: 'gone', entries: 3 });
    expect((await last.timeline(id)).map(({ host, text }) => `${host}: ${text}`)).toEqual([
      'web-1: opened as P1: gone',
      'web-1: first',
      'web-2: second',
    ]);
  });

  it('go on while a repository is away, say so, and send it all when it is back', async () => {
    await hosts.createRepository('main');
    hosts.takeAway('main');
    let id: string;
    {
      await using incidents = hosts.on('web-1', 'main');
      id = (await incidents.open({ title: 'gone', severity: 'P1' })).id;
      await incidents.tell(id)({ event: 'x.y', text: 'done' });
      await incidents.exchange(id, 60_000);
      const [delivery] = await incidents.deliveries(id);
      expect(delivery).toMatchObject({ repository: 'main', pending: 2 });
      expect(delivery?.problem).toContain('no repository');
    }
    hosts.putBack('main');
    await using incidents = hosts.on('web-1', 'main');
    await incidents.exchange(id, 60_000);
    expect(await incidents.deliveries(id)).toEqual([{ repository: 'main', pending: 0 }]);
    expect(await hosts.on('web-2', 'main').find(id)).toMatchObject({ entries: 2 });
  });

  it('are told apart by name, and by what fits several', async () => {
    await using incidents = hosts.on('web-1');
    const first = await incidents.open({ title: 'a', severity: 'P3' });
    const second = await incidents.open({ title: 'b', severity: 'P3' });
    await expect(incidents.find('current')).rejects.toMatchObject({
      code: 'incident.unknown',
      message: '2 incidents are open',
    });
    await expect(incidents.find(first.id.slice(0, 8))).rejects.toMatchObject({
      code: 'incident.unknown',
    });
    await expect(incidents.find('../..')).rejects.toMatchObject({ code: 'incident.unknown' });
    await expect(incidents.find('')).rejects.toMatchObject({ code: 'incident.unknown' });
    expect((await incidents.find(second.id)).title).toBe('b');
  });

  it('carry what is too large for an entry, and tell when it is not what was attached', async () => {
    await hosts.createRepository('main');
    const text = `{"tables":"${'x'.repeat(100_000)}"}\n`;
    let id: string;
    {
      await using here = hosts.on('web-1', 'main');
      id = (await here.open({ title: 'gone', severity: 'P1' })).id;
      const entry = { event: 'assess.done', text: 'assessed', data: { large: 'y'.repeat(50_000) } };
      await here.attach(id, { name: 'damage-report.json', text, entry });
    }
    await using there = hosts.on('web-2', 'main');
    await there.find(id);
    const [, entry] = await there.timeline(id);
    const attachment = attachmentOf(entry as IncidentEntry);
    expect(attachment).toMatchObject({ name: 'damage-report.json', bytes: text.length });
    const { sha256 } = attachment as Attachment;
    expect(await there.attachment(id, sha256)).toBe(text);
    const place = join(hosts.stateFolder('web-2'), 'incidents', id, 'attachments', sha256);
    writeFileSync(place, text.replace('x', 'z'));
    expect(await there.attachment(id, sha256)).toBeUndefined();
    expect((await there.verify(id, 60_000)).findings).toMatchObject([
      { kind: 'changed', subject: 'attachment damage-report.json of entry 2 of web-1' },
    ]);
    // The repository has it as it was.
    await hosts.on('web-2', 'main').exchange(id, 60_000);
    expect((await there.verify(id, 60_000)).findings).toEqual([]);
  });

  it('say when entries had gone from here or from a repository, and bring them back', async () => {
    await hosts.createRepository('main');
    let id: string;
    {
      await using incidents = hosts.on('web-1', 'main');
      id = (await incidents.open({ title: 'gone', severity: 'P1' })).id;
      await incidents.tell(id)({ event: 'x.y', text: 'two' });
    }
    const place = join(hosts.stateFolder('web-1'), 'incidents', id, 'entries');
    const [, second] = readdirSync(place).sort();
    rmSync(join(place, second as string));
    {
      await using incidents = hosts.on('web-1', 'main');
      await incidents.exchange(id, 60_000);
      const [, back, told] = await incidents.timeline(id);
      expect([back?.text, told?.text]).toEqual([
        'two',
        '1 entry that was on this host had gone, or had been changed; fetched again from the repository main',
      ]);
    }
    const stored = join(hosts.folder, 'repository-main', 'lifeboat', 'snapshots');
    rmSync(stored, { recursive: true });
    mkdirSync(stored);
    await using incidents = hosts.on('web-1', 'main');
    await incidents.exchange(id, 60_000);
    const texts = (await incidents.timeline(id)).map(({ text }) => text);
    expect(texts.at(-1)).toBe(
      '3 entries that were in the repository main had gone from there; sent again',
    );
    expect((await incidents.verify(id, 60_000)).findings).toEqual([]);
  });

  it('number entries once, however many write at the same time', async () => {
    const one = hosts.on('web-1');
    const other = hosts.on('web-1');
    const { id } = await one.open({ title: 'a', severity: 'P3' });
    const tell = (text: string) => ({ event: 'x.y', text });
    await Promise.all(
      ['1', '2', '3', '4', '5'].flatMap((text) => [
        one.tell(id)(tell(text)),
        other.tell(id)(tell(text)),
      ]),
    );
    const entries = await one.timeline(id);
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const [at, entry] of entries.entries()) {
      expect(entry.previous).toBe(entries[at - 1]?.id ?? '');
    }
  });
});
