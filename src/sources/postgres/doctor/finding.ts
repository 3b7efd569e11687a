import type { Finding } from '../../source.ts';

export function ok(check: string, fact: string): Finding {
  return { check, outcome: 'ok', fact, remedy: '' };
}

export function warning(check: string, fact: string, remedy: string): Finding {
  return { check, outcome: 'warning', fact, remedy };
}

export function problem(check: string, fact: string, remedy: string): Finding {
  return { check, outcome: 'problem', fact, remedy };
}
