import { z } from 'zod';
import { applicationCheck } from './application-check.ts';
import { command, name, path, target, timeSpan } from './parts.ts';
import { withRole } from './roles.ts';

const common = {
  writes: z
    .array(name)
    .optional()
    .describe(
      'Sources that it writes to: it is stopped before these are recovered. Default: none.',
    ),
  after: z
    .array(name)
    .optional()
    .describe('Services that must run before it: started after them, stopped before them.'),
  stopWithin: timeSpan
    .optional()
    .describe('How long it may take to stop before that is an error. Default: 60s.'),
  startWithin: timeSpan
    .optional()
    .describe('How long it may take until it runs and is ready. Default: 5m.'),
  health: applicationCheck
    .optional()
    .describe('What shows that it works: it is asked until it does after each start.'),
  checks: z
    .array(applicationCheck)
    .optional()
    .describe('What else must work before the recovery counts as done.'),
  test: z
    .strictObject({
      start: command.describe(
        'Starts it in test mode on the restored data: on another port and with no way out. LIFEBOAT_TEST_PORT, LIFEBOAT_HOST, LIFEBOAT_PORT, LIFEBOAT_DATABASE and LIFEBOAT_FOLDER say where.',
      ),
      stop: command.describe('Ends what `start` began.'),
      output: command.optional().describe('Prints what it wrote.'),
      port: z
        .int()
        .min(1)
        .max(65535)
        .optional()
        .describe('Port of this host that it listens on then, as LIFEBOAT_TEST_PORT.'),
      checks: z.array(applicationCheck).min(1).describe('What must work there.'),
    })
    .optional()
    .describe('How it is tried on restored data before users come back.'),
  switch: z
    .strictObject({
      command: command.describe(
        'Points it at another server or place: LIFEBOAT_HOST, LIFEBOAT_PORT, LIFEBOAT_DATABASE, LIFEBOAT_FOLDER say which; of a volume LIFEBOAT_VOLUME, of a claim LIFEBOAT_CLAIM and LIFEBOAT_NAMESPACE, with LIFEBOAT_CONTEXT where it is not the current one, and the folder counts from its root. Run while it is stopped.',
      ),
      undo: command.describe('Points it back.'),
      isDone: command
        .optional()
        .describe(
          'Ends with 0 when it points there already, with the same variables. Asked after the command too, for ten seconds.',
        ),
    })
    .optional()
    .describe('How it is pointed at a restored server: environment, secret, pooler, DNS.'),
  redeploy: command
    .optional()
    .describe(
      'Deploys it as it was recorded: LIFEBOAT_IMAGE and LIFEBOAT_IMAGE_DIGEST say which image. What it is made of is compared afterwards. Default: a person does.',
    ),
  errors: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Texts that mean an error in its output, whatever their case. Default: error, fatal, panic, exception.',
    ),
};

const docker = z
  .strictObject({
    platform: z.literal('docker').describe('A container, or a service of a compose project.'),
    container: target.optional().describe('Name of the container.'),
    compose: z
      .strictObject({
        files: z.array(path).min(1).describe('Its compose files, in order.'),
        service: target.describe('Name of the service in them.'),
        project: target.optional().describe('Project. Default: as compose says.'),
      })
      .optional()
      .describe('The service of a compose project, instead of a container.'),
    context: target.optional().describe('Docker context. Default: the current one.'),
    ...common,
  })
  .refine(({ container, compose }) => (container === undefined) !== (compose === undefined), {
    error: 'exactly one of container and compose',
  });

const kubernetes = z.strictObject({
  platform: z.literal('kubernetes').describe('A workload of a Kubernetes cluster.'),
  workload: withRole(
    'target',
    z.string().regex(/^(deployment|statefulset|cronjob|job)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, {
      error: 'deployment/NAME, statefulset/NAME, cronjob/NAME or job/NAME',
    }),
  ).describe(
    'What is scaled or suspended: deployment/NAME, statefulset/NAME, cronjob/NAME, job/NAME.',
  ),
  namespace: target.optional().describe('Default: default.'),
  context: target.optional().describe('Context of kubectl. Default: the current one.'),
  kubeconfig: path.optional().describe('File of kubectl. Default: its own.'),
  ...common,
});

const systemd = z.strictObject({
  platform: z.literal('systemd').describe('A unit of systemd on this host.'),
  unit: target.describe('Name of the unit, such as shop-api.service.'),
  user: z.literal(true).optional().describe('A unit of the user, not of the system.'),
  ...common,
});

const shell = z.strictObject({
  platform: z.literal('shell').describe('Whatever commands of yours stop and start.'),
  stop: command.describe('Stops it; ends with 0 when nothing of it runs any more.'),
  start: command.describe('Starts it.'),
  isRunning: command.describe('Ends with 0 when it runs, with 1 when it does not.'),
  output: command.optional().describe('Prints the newest lines it wrote.'),
  host: z.string().min(1).optional().describe('Where it runs, for people. Default: this host.'),
  ...common,
});

export const service = z.discriminatedUnion('platform', [docker, kubernetes, systemd, shell]);

type ServiceFile = z.infer<typeof service>;
/** One entry of `services`, with its name and with paths made absolute. */
export type ServiceSetting = ServiceFile & { readonly name: string };
export type { ServiceFile };
export type DockerService = Extract<ServiceSetting, { platform: 'docker' }>;
export type KubernetesService = Extract<ServiceSetting, { platform: 'kubernetes' }>;
export type SystemdService = Extract<ServiceSetting, { platform: 'systemd' }>;
export type ShellService = Extract<ServiceSetting, { platform: 'shell' }>;
