import { expect, it } from 'vitest';
import type { Output } from '../output/output.ts';
import { proposedWhat } from './choose-what.ts';

const shop = { project: 'shop', containers: [] };
const wiki = { project: 'wiki', containers: [] };
const own = [{ host: '/run/postgresql', port: 5432 }];
const proposal = 'postgres://lifeboat@localhost:5432/postgres';

function propose(found: Pick<Parameters<typeof proposedWhat>[0], 'own' | 'applications'>) {
  const hints: (string | undefined)[] = [];
  const output = { warn: (_: string, hint?: string) => hints.push(hint) } as unknown as Output;
  return { what: proposedWhat({ ...found, proposal }, { output }), hints };
}

it('takes the only application that Docker has', () => {
  const { what, hints } = propose({ own: [], applications: [shop] });
  expect(what).toMatchObject({ application: shop, isWhole: true, postgres: false });
  expect(hints).toEqual([]);
});

it('does not guess which of several is meant', () => {
  expect(() => propose({ own: [], applications: [shop, wiki] })).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('one of shop, wiki') }),
  );
});

it('takes a server of the host as before, and says what that leaves out', () => {
  const { what, hints } = propose({ own, applications: [shop] });
  expect(what).toMatchObject({ postgres: true, proposal });
  expect(what.application).toBeUndefined();
  expect(hints).toEqual([expect.stringContaining('shop')]);
  expect(propose({ own, applications: [] }).hints).toEqual([]);
});

it('has nothing to protect where nothing is', () => {
  expect(() => propose({ own: [], applications: [] })).toThrow('there is nothing to protect');
});
