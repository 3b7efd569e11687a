// platforms: the places where services run, driven through their own command lines. What a service is, is recorded before it is changed,
// and is all that is needed to make it exactly that again. Nothing is ever removed.

export { type BaselineDifference, compareBaseline } from './compare-baseline.ts';
export { describeService } from './describe-service.ts';
export { baseName } from './docker/survey/postgres-server.ts';
export type {
  DockerSurvey,
  PublishedAddress,
  SurveyedContainer,
  SurveyedMount,
  SurveyedServer,
} from './docker/survey/survey.ts';
export { surveyEngine } from './docker/survey/survey-engine.ts';
export { harmlessLines, harmlessText } from './harmless-text.ts';
export type { ClusterObject, ObjectList, Pod } from './kubernetes/cluster-objects.ts';
export { identifyCluster } from './kubernetes/identify.ts';
export { Kubectl, type KubectlPlace } from './kubernetes/kubectl.ts';
export { waitsFor } from './kubernetes/pods.ts';
export {
  fingerprintOfHost,
  machinesOf,
  machinesOfCluster,
  machinesOfEngine,
  machinesOfHost,
} from './place-of-host.ts';
export type {
  OutputRange,
  Platform,
  PlatformIdentity,
  PlatformKind,
  PlatformRequest,
  ServiceIsolation,
  ServiceResources,
  ServiceRestarts,
  ServiceState,
  ServiceStatus,
} from './platform.ts';
export { createPlatforms, type PlatformOptions, type Platforms } from './registry.ts';
export { requirePlace } from './require-place.ts';
export { type ProgramCall, type ProgramEnd, runProgram } from './run-program.ts';
export type { ServiceBaseline } from './service-baseline.ts';
