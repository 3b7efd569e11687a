import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Prints each skipped test with its reason, each that passed only when it was tried again, and, last and alone on its line, the sum. Writes the same to
 * the file that LIFEBOAT_TEST_REPORT names, so that a script can add up several suites.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    const notes: string[] = [];
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0)
        sum.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') {
          sum.passed += 1;
          const tries = (test.diagnostic()?.retryCount ?? 0) + 1;
          if (tries > 1) notes.push(`passed at attempt ${tries}: ${test.fullName}`);
        }
        if (state === 'failed') sum.failed += 1;
        if (state !== 'passed' && state !== 'failed') {
          sum.skipped += 1;
          notes.push(`skipped: ${test.fullName}: ${reasonOf(test)}`);
        }
      }
    }
    sum.failed += errors.length;
    const lines = [...notes, `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`];
    process.stdout.write(`\n${lines.join('\n')}\n`);
    const report = process.env.LIFEBOAT_TEST_REPORT;
    if (report) writeFileSync(report, JSON.stringify({ ...sum, notes }));
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return ('note' in result && result.note) || 'no reason given';
}
