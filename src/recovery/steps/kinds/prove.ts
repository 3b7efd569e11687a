import { LifeboatError } from '../../../core/index.ts';
import { failuresOf } from '../../prove/proof.ts';
import { proveSource } from '../../prove/prove-source.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepKind } from '../step-kind.ts';
import { checksOfSource, postgresSource } from '../step-source.ts';

/** The newest state restored to a private server and checked; the proof is a record. */
export const proveStep: StepKind<StepInputs['prove']> = {
  name: 'prove',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ source: name }, context) {
    const source = await postgresSource(name, 'protect', context);
    const { surroundings, signal, progress } = context;
    const proof = await proveSource({
      source,
      repository: await surroundings.repositoryOf(name),
      userChecks: checksOfSource(source, context),
      signal,
      progress,
    });
    if (proof.verdict !== 'passed') {
      const failures = failuresOf(proof);
      throw new LifeboatError('run.failed', `the proof of ${name} failed: ${failures.join('; ')}`, {
        hint: `The proof is kept (${proof.id.slice(0, 8)}); \`lifeboat prove ${name}\` shows all of it.`,
        context: { failures },
      });
    }
    return {
      text: `proved ${name} (proof ${proof.id.slice(0, 8)})`,
      result: { proof: proof.id },
      evidence: { proof: proof.id, rtoMs: proof.rtoMs, ...(proof.rpo ? { rpo: proof.rpo } : {}) },
    };
  },
};
