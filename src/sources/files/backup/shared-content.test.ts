import { expect, it } from 'vitest';
import { SharedContent } from './shared-content.ts';
import type { WorkerMessage } from './worker-messages.ts';

const range = { fd: 0, at: 0, lengths: [1] };

/** Two hungry workers, whose answers arrive one at a time. */
function sharedWith(answers: WorkerMessage[]) {
  const sent: WorkerMessage[] = [];
  const hungry = [1, 2];
  const shared = new SharedContent(0, {
    isAnyoneHungry: true,
    takeHungry: () => hungry.shift(),
    send: (_to, message) => void sent.push(message),
    poll: () => [],
    answers: () => answers.splice(0, 1),
  });
  shared.attach(
    (messages) => {
      for (const message of messages) {
        if (message.type === 'saved' || message.type === 'unread') shared.take(message);
      }
    },
    () => {},
  );
  return { shared, sent };
}

it('what the file system says to a helper is thrown once nobody reads the file any more', () => {
  const answers: WorkerMessage[] = [
    { type: 'unread', number: 0, code: 'EIO', message: 'EIO: i/o error, read' },
    { type: 'saved', number: 1, content: { text: '"x"', bytes: 1 } },
  ];
  const { shared, sent } = sharedWith(answers);
  const taken: string[] = [];
  expect(shared.give(range, ({ text }) => taken.push(text))).toBe(true);
  expect(shared.give(range, ({ text }) => taken.push(text))).toBe(true);
  expect(shared.give(range, () => {})).toBe(false);
  expect(sent.map(({ type }) => type)).toEqual(['range', 'range']);
  expect(() => shared.settle()).toThrow(expect.objectContaining({ code: 'EIO' }));
  expect(taken).toEqual(['"x"']);
  expect(answers).toEqual([]);
  // The next file is none the worse for it.
  shared.settle();
  shared.pause();
});

it('work that nobody asked for is not begun in the middle of a file', () => {
  const { shared } = sharedWith([{ type: 'range', from: 1, number: 0, range }]);
  shared.give(range, () => {});
  expect(() => shared.settle()).toThrow('nobody sends work');
});
