import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { deniedHint, fileError, LifeboatError } from '../core/index.ts';
import type { Configuration } from './configuration.ts';
import { describeIssue } from './issue.ts';
import { checkReferences } from './references.ts';
import { configurationSchema } from './schema.ts';
import { withAbsolutePaths } from './stored/with-absolute-paths.ts';
import { incompletePlaces, notStored } from './stored/without-secrets.ts';
import { withDefaults } from './with-defaults.ts';

/** Reads and checks a configuration file. Throws `config.invalid`, naming place, expectation and finding; `file.unreadable`. */
export function loadConfiguration(file: string, environment: NodeJS.ProcessEnv): Configuration {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const attempted = `could not read the configuration ${file}`;
    const hint = deniedHint(file, 'read');
    if (hint === undefined) throw fileError(error, attempted);
    throw new LifeboatError('file.unreadable', `${attempted}: EACCES`, {
      hint: `${hint} Another file is named with --config.`,
      cause: error,
    });
  }
  const configuration = parseConfiguration(text, file, environment);
  const [incomplete] = incompletePlaces(configuration.declared);
  if (incomplete !== undefined) {
    throw new LifeboatError(
      'config.invalid',
      `${file}: ${incomplete}: ${notStored} stands where a secret stood, which was not stored`,
      { hint: 'Put it back, from a file where the option allows that.', context: { file } },
    );
  }
  return configuration;
}

export function parseConfiguration(
  text: string,
  file: string,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const syntax = document.errors[0];
  if (syntax) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw invalid(file, `line ${line}, column ${col}: ${firstLine(syntax.message)}`);
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // An alias without an anchor, or aliases that multiply without end.
    throw invalid(file, `${firstLine(error instanceof Error ? error.message : '')}`);
  }
  const checked = configurationSchema.safeParse(raw);
  if (!checked.success) {
    const issue = checked.error.issues[0] as (typeof checked.error.issues)[number];
    throw invalid(file, describeIssue(issue, raw), checked.error.issues.length - 1);
  }
  const wrong = checkReferences(checked.data);
  if (wrong !== undefined) throw invalid(file, wrong);
  const data = withAbsolutePaths(checked.data, dirname(file), environment);
  return withDefaults(data, file, environment);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, '');
}

function invalid(file: string, fact: string, others = 0): LifeboatError {
  const more = others > 0 ? ` (and ${others} more)` : '';
  return new LifeboatError('config.invalid', `${file}: ${fact}${more}`, {
    hint: 'Correct the file. docs/guide/configuration.md lists every option.',
    context: { file },
  });
}
