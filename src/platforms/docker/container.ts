import { z } from 'zod';

// What `docker container inspect` tells of a container, as far as it is used here; of each version since 19.03.

const endpoint = z.object({
  IPAMConfig: z
    .object({
      IPv4Address: z.string().optional(),
      IPv6Address: z.string().optional(),
      LinkLocalIPs: z.array(z.string()).nullish(),
    })
    .nullish(),
  Links: z.array(z.string()).nullish(),
  Aliases: z.array(z.string()).nullish(),
  DriverOpts: z.record(z.string(), z.string()).nullish(),
  NetworkID: z.string(),
});

export const container = z.object({
  Id: z.string().min(12),
  Name: z.string(),
  Path: z.string(),
  Args: z.array(z.string()).nullish(),
  Image: z.string(),
  RestartCount: z.int().optional(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.int(),
    OOMKilled: z.boolean().optional(),
    Error: z.string().optional(),
    StartedAt: z.string(),
    FinishedAt: z.string().optional(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({
    Image: z.string(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.object({
    NetworkMode: z.string(),
    AutoRemove: z.boolean(),
    RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.int().optional() }),
    PortBindings: z
      .record(
        z.string(),
        z
          .array(z.object({ HostIp: z.string().optional(), HostPort: z.string().optional() }))
          .nullish(),
      )
      .nullish(),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), endpoint).nullish() }),
});

export type Container = z.infer<typeof container>;
export type Endpoint = z.infer<typeof endpoint>;

export function nameOf({ Name }: Pick<Container, 'Name'>): string {
  return Name.replace(/^\//, '');
}

/** Compose counts the containers of a service from 1. */
export function numberOf({ Config }: Container): number | undefined {
  const text = Config.Labels?.['com.docker.compose.container-number'];
  return text === undefined ? undefined : Number(text);
}

/** Of `docker compose run`: a task, not the service; still it may write. */
export function isOneOff({ Config }: Container): boolean {
  return Config.Labels?.['com.docker.compose.oneoff']?.toLowerCase() === 'true';
}

/** Processes of it exist, or will in a moment. */
export function isAlive({ State }: Pick<Container, 'State'>): boolean {
  return ['running', 'paused', 'restarting'].includes(State.Status);
}

/** As `docker update --restart` takes it. */
export function restartPolicyOf({ HostConfig }: Container): string {
  const { Name, MaximumRetryCount = 0 } = HostConfig.RestartPolicy;
  if (Name === '') return 'no';
  return Name === 'on-failure' && MaximumRetryCount > 0 ? `${Name}:${MaximumRetryCount}` : Name;
}
