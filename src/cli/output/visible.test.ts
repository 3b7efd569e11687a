import { expect, it } from 'vitest';
import { visible, visibleCommand } from './visible.ts';

it('hides nothing of a command that somebody else wrote', () => {
  const shown = visibleCommand([
    'docker',
    'stop api',
    'x\u001b[2K\rdone',
    'a\u202eb',
    'c\u200bd\u00a0e\u{e0041}',
    "it's",
    'line\nrm',
  ]);
  expect(shown).toBe(
    "docker 'stop api' 'x\\x1b[2K\\x0ddone' 'a\\u{202e}b' 'c\\u{200b}d\\xa0e\\u{e0041}' 'it'\\''s' 'line\\x0arm'",
  );
  expect(visible('Größe 漢字 é')).toBe('Größe 漢字 é');
});
