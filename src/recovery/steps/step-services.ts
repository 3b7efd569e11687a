import type { ServiceSetting } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { createPlatforms, type Platform, type Platforms } from '../../platforms/index.ts';
import type { Surroundings } from '../surroundings.ts';
import type { CheckSurroundings } from '../validate/application/check-surroundings.ts';

/** The service of the configuration. Errors: `plan.refused`: the plan was made with another configuration. */
export function serviceNamed({ configuration }: Surroundings, name: string): ServiceSetting {
  const found = configuration.services.find((each) => each.name === name);
  if (found) return found;
  throw new LifeboatError('plan.refused', `the configuration has no service ${name} any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}

const made = new WeakMap<Surroundings, Platforms>();

/** What drives it; one for each place, as long as the surroundings last. */
export function platformOf(surroundings: Surroundings, service: ServiceSetting): Platform {
  const { environment } = surroundings;
  const platforms = made.get(surroundings) ?? createPlatforms({ environment });
  made.set(surroundings, platforms);
  return platforms.of(service);
}

/** What checks of services may touch, from a step. */
export function checksOf(surroundings: Surroundings): CheckSurroundings {
  return {
    environment: surroundings.environment,
    secret: (what, setting) => surroundings.secret(what, setting),
  };
}
