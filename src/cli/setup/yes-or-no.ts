import type { Ask } from '../command.ts';

/** Yes is proposed. */
export async function isAgreed(ask: Ask, question: string): Promise<boolean> {
  const choices = [
    { value: 'yes', label: 'yes' },
    { value: 'no', label: 'no' },
  ] as const;
  return (await ask.choose<'yes' | 'no'>(question, choices, 'yes')) === 'yes';
}
