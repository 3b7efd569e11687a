import { z } from 'zod';
import { container } from '../container.ts';

const { Config, HostConfig, NetworkSettings } = container.shape;

const binding = z.object({ HostIp: z.string().optional(), HostPort: z.string().optional() });

/** What `docker container inspect` tells, with what a survey looks at besides. */
export const inspectedContainer = container.extend({
  Config: Config.extend({ ExposedPorts: z.record(z.string(), z.unknown()).nullish() }),
  HostConfig,
  NetworkSettings: NetworkSettings.extend({
    Ports: z.record(z.string(), z.array(binding).nullish()).nullish(),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().optional(),
        Source: z.string().optional(),
        Destination: z.string(),
        RW: z.boolean().optional(),
      }),
    )
    .nullish(),
});

export type InspectedContainer = z.infer<typeof inspectedContainer>;

export function labelsOf({ Config: { Labels } }: InspectedContainer): Record<string, string> {
  return Labels ?? {};
}

export function environmentOf({ Config: { Env } }: InspectedContainer): Map<string, string> {
  return new Map(
    (Env ?? []).map((each) => {
      const equals = each.indexOf('=');
      return [each.slice(0, equals), each.slice(equals + 1)];
    }),
  );
}
