import type { SourceChoice } from '../choose-method.ts';
import { expectStep } from '../expect-time.ts';
import type { ServiceFacts } from '../facts.ts';
import { type Building, draft, type StepDraft, sourceOf } from './draft.ts';
import { validateStep } from './recover-steps.ts';
import { backupSteps } from './return-steps.ts';
import { restartCommand, serviceText } from './service-commands.ts';

/** Methods that leave the data alone. */
export function restartSteps(building: Building, choice: SourceChoice): readonly StepDraft[] {
  const source = sourceOf(building, choice.source);
  const service = building.configuration.services.find(({ name }) => name === source.service);
  if (service === undefined) return [];
  return [
    draft({
      id: `restart-${service.name}`,
      kind: 'restart',
      title: `Start the server of ${source.name} again (${service.name})`,
      target: serviceText(service),
      commands: [restartCommand(service)],
      input: { service: service.name, source: source.name },
      isDestructive: true,
      evidence: ['its state before and after', 'its newest output'],
      expected: expectStep('restart', building.facts, { source: source.name }),
      asked: { authority: 'execute', question: `Start ${serviceText(service)} again?` },
    }),
    validateStep(building, source, 'live'),
  ];
}

/** Each service once, however many sources it writes to. Where only a file differs that others are made of too, these put it back. */
export function redeploySteps(
  building: Building,
  choices: readonly SourceChoice[],
): readonly StepDraft[] {
  const { configuration, facts } = building;
  const names = choices.map(({ source }) => source);
  const settingOf = (name: string) => configuration.services.find((each) => each.name === name);
  const changed = facts.services
    .filter(({ changes }) => changes.length > 0)
    .filter(({ writes }) => writes.length === 0 || writes.some((each) => names.includes(each)));
  const isPutBackByOther = ({ name, changes }: ServiceFacts) =>
    settingOf(name)?.redeploy === undefined &&
    changed.some(
      (other) =>
        settingOf(other.name)?.redeploy !== undefined &&
        changes.every((each) => other.changes.includes(each)),
    );
  return changed
    .filter((each) => !isPutBackByOther(each))
    .map(({ name, changes, baseline }) => {
      const service = settingOf(name);
      return draft({
        id: `redeploy-${name}`,
        kind: 'redeploy',
        title: `Put ${name} back to its recorded baseline`,
        target: service === undefined ? name : serviceText(service),
        commands: service?.redeploy === undefined ? [] : [service.redeploy],
        input: { service: name, ...(baseline === undefined ? {} : { baseline }), differs: changes },
        isDestructive: true,
        undo: 'what it was made of before is kept, and can be put back',
        evidence: ['what it was made of before and after'],
        expected: expectStep('redeploy', facts),
        asked: { authority: 'execute', question: `Replace ${name} (${changes.join(', ')})?` },
      });
    });
}

export function newBackupSteps(building: Building, choice: SourceChoice): readonly StepDraft[] {
  return backupSteps([sourceOf(building, choice.source)]);
}
