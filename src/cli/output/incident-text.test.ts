import { expect, it } from 'vitest';
import type { Incident } from '../../incidents/index.ts';
import { describeChanged } from './incident-text.ts';
import { createStyle } from './style.ts';

const style = createStyle({ isTTY: false } as NodeJS.WriteStream, {});

it('what is next of the checklist is a command, where one is taken still', () => {
  const told = (status: Incident['status']) => {
    const checklist = [
      { id: 'classified', text: 'the loss is classified', isDone: true },
      { id: 'team-notified', text: 'the recovery team knows', isDone: false },
    ];
    const incident = { id: '20261126-208ab8', severity: 'P1', status, assignees: [], checklist };
    return describeChanged(incident as unknown as Incident, true, style)
      .split('\n')
      .at(-1);
  };
  expect(told('resolved')).toBe(
    '  checklist: 1 of 2 done; next: the recovery team knows (lifeboat incident update --done team-notified)',
  );
  expect(told('closed')).toBe('  checklist: 1 of 2 done; what is open stays open');
});
