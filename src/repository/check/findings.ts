import type { CheckFinding } from '../repository.ts';

const maxAffected = 20;

/** A finding that learns later what it affects. */
export interface OpenFinding {
  affects(what: string): void;
}

/** Collects findings; each lists what it affects once, and only the first twenty by name. */
export class Findings {
  readonly #all: { finding: Omit<CheckFinding, 'affects'>; affected: Set<string> }[] = [];

  add(finding: Omit<CheckFinding, 'affects'>): OpenFinding {
    const affected = new Set<string>();
    this.#all.push({ finding, affected });
    return { affects: (what) => affected.add(what) };
  }

  addAll(findings: readonly CheckFinding[]): void {
    for (const { affects, ...finding } of findings) {
      const open = this.add(finding);
      for (const what of affects) open.affects(what);
    }
  }

  /** Errors first. */
  report(): readonly CheckFinding[] {
    const findings = this.#all.map(({ finding, affected }) => {
      const named = [...affected].slice(0, maxAffected);
      const more = affected.size - named.length;
      return { ...finding, affects: more === 0 ? named : [...named, `and ${more} more`] };
    });
    return findings.sort((a, b) => Number(a.severity === 'hint') - Number(b.severity === 'hint'));
  }
}
