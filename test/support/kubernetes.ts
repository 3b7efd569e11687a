import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';

/** A real Kubernetes control plane on loopback whose node is played by KWOK: pods get ready and go away without containers. */
export interface TestCluster extends AsyncDisposable {
  readonly kubeconfig: string;
  /** With which its kubectl is found. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where a command that is run in a pod (`kubectl exec`) runs on this host; every pod has the same. */
  readonly workFolder: string;
  /** What it printed; rejects with what it said when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Creates or changes objects, given as JSON. */
  apply(...objects: readonly object[]): Promise<void>;
  /** The API server alone, as when it dies. */
  killApiServer(): void;
}

/** Why there is none on this machine; undefined: there is. */
export function whyNoKubernetes(): string | undefined {
  const missing = ['kube-up', 'kube-down', 'kubectl', 'kwok'].filter((each) => !findProgram(each));
  return missing.length === 0 ? undefined : `no ${missing.join(', ')} on PATH`;
}

export interface ClusterOptions {
  /** Variables of every command that is run in a pod. */
  readonly podEnvironment?: Readonly<Record<string, string>>;
}

export async function startCluster({
  podEnvironment = {},
}: ClusterOptions = {}): Promise<TestCluster> {
  const folder = temporaryFolder('kubernetes');
  const workFolder = join(folder, 'work');
  mkdirSync(workFolder);
  // It takes the two ports behind it, too.
  const port = await freePort();
  const environment = { PATH: process.env.PATH, HOME: folder };
  const run = (program: string, args: readonly string[], input = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { env: environment, maxBuffer: 64 * 2 ** 20 };
      const child = execFile(program, [...args], options, (error, stdout, stderr) =>
        error ? reject(new Error(`${program} ${args.join(' ')}: ${stderr}`)) : resolve(stdout),
      );
      child.stdin?.on('error', () => {}).end(input);
    });
  const up = join(folder, 'cluster');
  await run('kube-up', [up, String(port)]);
  const kubeconfig = join(up, 'kubeconfig');
  const kubectl = (args: readonly string[], input?: string) =>
    run('kubectl', ['--kubeconfig', kubeconfig, ...args], input);
  const kubelet = await playKubelet({
    folder,
    kubeconfig,
    workFolder,
    environment,
    podEnvironment,
  });
  const node = {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    },
  };
  const patch = ['patch', 'node', 'node-1', '--subresource', 'status', '--type', 'merge'];
  await kubectl([...patch, '--patch', JSON.stringify(node)]);
  return {
    kubeconfig,
    environment,
    workFolder,
    kubectl,
    async apply(...objects) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await kubectl(['apply', '--filename', '-'], JSON.stringify(list));
    },
    killApiServer() {
      const [, pid] = readFileSync(join(up, 'pids'), 'utf8').split('\n');
      process.kill(Number(pid), 'SIGKILL');
    },
    async [Symbol.asyncDispose]() {
      process.kill(kubelet.pid, 'SIGKILL');
      await run('kube-down', [up]);
      // They write until they have ended.
      await new Promise((resolve) => setTimeout(resolve, 300));
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

interface KubeletOptions {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly workFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly podEnvironment: Readonly<Record<string, string>>;
}

/**
 * What a node's kubelet does for logs and commands: KWOK again, which gives every pod the same log and runs its commands on this host.
 * It also keeps the node alive, which would be marked as lost, and its pods as not ready, every minute.
 */
async function playKubelet({
  folder,
  kubeconfig,
  workFolder,
  environment,
  podEnvironment,
}: KubeletOptions): Promise<{ readonly port: number; readonly pid: number }> {
  const envs = Object.entries(podEnvironment).map(([name, value]) => ({ name, value }));
  const [certificate, key] = [join(folder, 'kubelet.crt'), join(folder, 'kubelet.key')];
  const subject = ['-subj', '/CN=127.0.0.1', '-days', '2', '-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], {
    stdio: 'ignore',
  });
  const log = join(folder, 'pods.log');
  const lines = [1, 2, 3].map(
    (each) => `2026-11-26T19:00:0${each}.000000000Z stdout F hello ${each}`,
  );
  writeFileSync(log, `${lines.join('\n')}\n`);
  const apiVersion = 'kwok.x-k8s.io/v1alpha1';
  // It does not start without stages; these match nothing.
  const nothing = (kind: string) => ({
    apiVersion,
    kind: 'Stage',
    metadata: { name: `no-${kind.toLowerCase()}` },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: { matchLabels: { none: 'none' } },
      next: { statusTemplate: 'phase: Running' },
    },
  });
  const documents = [
    {
      apiVersion,
      kind: 'ClusterLogs',
      metadata: { name: 'all' },
      spec: { logs: [{ logsFile: log }] },
    },
    {
      apiVersion,
      kind: 'ClusterExec',
      metadata: { name: 'all' },
      spec: { execs: [{ local: { workDir: workFolder, envs } }] },
    },
    nothing('Node'),
    nothing('Pod'),
  ];
  const config = join(folder, 'kubelet.yaml');
  writeFileSync(config, documents.map((each) => JSON.stringify(each)).join('\n---\n'));
  const port = await freePort();
  const place = ['--kubeconfig', kubeconfig, '--config', config, '--manage-single-node', 'node-1'];
  const server = ['--server-address', `127.0.0.1:${port}`, '--node-port', String(port)];
  const child = spawn(
    'kwok',
    [
      ...place,
      ...server,
      ...['--node-lease-duration-seconds', '40'],
      ...['--tls-cert-file', certificate, '--tls-private-key-file', key],
    ],
    { env: environment, stdio: 'ignore' },
  );
  child.unref();
  return { port, pid: child.pid as number };
}
