import type { ServiceSetting } from '../../../config/index.ts';
import { expectStep } from '../expect-time.ts';
import { type Building, draft, type StepDraft } from './draft.ts';
import { serviceText, startCommand } from './service-commands.ts';

/** Starts a service that does not run, made anew by its platform where it is gone. */
export function startStep(
  { facts }: Building,
  service: ServiceSetting,
  title: string,
  id = `start-${service.name}`,
): StepDraft {
  return draft({
    id,
    kind: 'restart',
    title,
    target: serviceText(service),
    commands: [startCommand(service)],
    input: { service: service.name, didNotRun: true },
    isDestructive: true,
    undo: 'it is stopped again',
    evidence: ['its state before and after', 'its newest output'],
    expected: expectStep('restart', facts),
    asked: { authority: 'execute', question: `Start ${serviceText(service)}?` },
  });
}
