// recovery: what was lost, and how it comes back.

export type { ExpectedRows, TableFile } from './assess/carried-rows.ts';
export { type AssessOptions, assessDamage } from './assess/damage/assess-damage.ts';
export {
  type DamageFinding,
  type FindingKind,
  type FindingSeverity,
  type FindingStrength,
  isDamage as isDamageFinding,
} from './assess/damage/damage-finding.ts';
export type { DamageReport, SourceDamage } from './assess/damage/damage-report.ts';
export type { FilesDamage, FilesFound } from './assess/damage/files-damage.ts';
export type { DiskState, HostDamage, MemoryState } from './assess/damage/host-damage.ts';
export { foundOf, type Part } from './assess/damage/part.ts';
export type {
  Excerpt,
  IntegrityFound,
  PostgresDamage,
  ReplicationFound,
  ServerState,
  SessionsFound,
  StatementsFound,
  SuspectsFound,
  TableDamage,
  TablesFound,
} from './assess/damage/postgres-damage.ts';
export { reportEntry } from './assess/damage/report-entry.ts';
export type { RestoreLoss, RestorePoint, RestorePoints } from './assess/damage/restore-point.ts';
export type { BaselineComparison, ServiceDamage } from './assess/damage/service-damage.ts';
export { describeChanges } from './assess/damage/service-findings.ts';
export {
  type ExpectedCounts,
  type ExpectedCountsRequest,
  expectedCountsAt,
} from './assess/expected-counts.ts';
export { type FindLossOptions, findLoss } from './assess/find-loss.ts';
export { findTransaction, logOf } from './assess/find-transaction.ts';
export type { LogRequest } from './assess/log-windows.ts';
export type { LossReport, LossSuspect, LossTable, SearchedSpan } from './assess/loss-report.ts';
export { type Destination, type DumpFormat, dumpFormats } from './extract/destination.ts';
export {
  type ExtractDumpOptions,
  type ExtractedDump,
  extractDump,
} from './extract/extract-dump.ts';
export { type Extracted, type ExtractOptions, extractParts } from './extract/extract-parts.ts';
export type { TableName, WantedParts } from './extract/parts.ts';
export { parseTableName } from './extract/table-name.ts';
export { type AffectedService, affectedServices } from './freeze/affected-services.ts';
export { type FoundFreezes, findFreezes, pickFreeze } from './freeze/find-freezes.ts';
export { type FreezeOutcome, freeze } from './freeze/freeze.ts';
export type { RepositoryProblem } from './freeze/freeze-copies.ts';
export {
  type FreezeGap,
  type FreezeItem,
  type FreezeRecord,
  type FrozenPlace,
  isFrozen,
} from './freeze/freeze-record.ts';
export type { FreezeRequest, FreezeWorld } from './freeze/freeze-request.ts';
export { type FreezeLook, lookAtFreeze } from './freeze/look-at-freeze.ts';
export { type RememberedFreeze, rememberedFreeze } from './freeze/remembered-freeze.ts';
export { type StandingFreeze, standingFreezes } from './freeze/standing-freezes.ts';
export {
  itemsToThaw,
  type ThawFailure,
  type ThawOutcome,
  type ThawRequest,
  thaw,
} from './freeze/thaw.ts';
export { sendUnsent } from './freeze/unsent-records.ts';
export { type FrozenSource, frozenSources, watchFreezes } from './freeze/watch-freezes.ts';
export {
  type FreezeQuestion,
  type FreezeVerdict,
  judgeFreeze,
} from './freeze/what-to-freeze.ts';
export { type DefaultGround, defaultGrounds } from './ground/default-grounds.ts';
export { placeInVolume } from './ground/docker-volume/create-volume.ts';
export type {
  DatabaseDelivery,
  DeliveryState,
  Ground,
  GroundKind,
  GroundRequest,
  TreeDelivery,
} from './ground/ground.ts';
export {
  createGround,
  describeGround,
  type GroundOf,
  type GroundSurroundings,
} from './ground/registry.ts';
export {
  type DeliverDatabasesOptions,
  deliverDatabases,
} from './ground/server/deliver-databases.ts';
export { checkLive } from './integrity/check-live.ts';
export { lastIntegrityReport, type StoredIntegrityReport } from './integrity/integrity-report.ts';
export { type BuildPlanRequest, buildPlan } from './plan/build-plan.ts';
export { changedSince } from './plan/changed-since.ts';
export type { KnownStepKinds } from './plan/check/check-steps.ts';
export type { PlanFinding } from './plan/check/plan-finding.ts';
export { type CheckPlanRequest, checkPlan } from './plan/check-plan.ts';
export {
  type ChosenMethod,
  type ConsideredMethod,
  chooseMethod,
  type SourceChoice,
} from './plan/choose-method.ts';
export type {
  DamageFacts,
  GroundFacts,
  IncidentFacts,
  MeasuredStep,
  PlaceFacts,
  PlanFacts,
  ProofFacts,
  ServerCondition,
  ServiceFacts,
  SnapshotFacts,
  SourceFacts,
  TableFacts,
  WindowFacts,
  Wish,
  WishedTarget,
} from './plan/facts.ts';
export { type GatheredFacts, type GatherRequest, gatherFacts } from './plan/gather-facts.ts';
export { methods } from './plan/matrix.ts';
export type {
  Alternative,
  Approval,
  Authority,
  Method,
  Plan,
  PlanSeen,
  PlanTarget,
  Prediction,
  RunMode,
  SeenSource,
  Step,
} from './plan/plan.ts';
export { readTarget, writeTarget } from './plan/plan-target.ts';
export { momentUnknown } from './plan/preconditions.ts';
export { planId, sealPlan } from './plan/seal-plan.ts';
export { loadPlan, parsePlan, type StoredPlan, storePlan } from './plan/store-plan.ts';
export type { Corruption } from './prove/corruption.ts';
export { type Coverage, coverageOf, isValid, type WindowSpan } from './prove/coverage.ts';
export { listProofs } from './prove/list-proofs.ts';
export { failuresOf, type Proof, type StoredProof } from './prove/proof.ts';
export { type ProveOptions, proveSource } from './prove/prove-source.ts';
export { type RestoredValidation, validateRestored } from './prove/validate-restored.ts';
export {
  type DestroyedFile,
  type Destruction,
  formatTupleId,
  type TupleId,
  tupleId,
} from './rescue/destruction.ts';
export type { PastServer } from './rescue/past-server.ts';
export { type PreparedRescue, planRescue, type RescueRequest } from './rescue/plan-rescue.ts';
export type { RescueOutcome, RescuePlan, RescueRecord } from './rescue/rescue-plan.ts';
export { planRows, putRowsBack, type RowOutcome, type RowRescue } from './rescue/rescue-rows.ts';
export type {
  RescueConflict,
  RescueReferences,
  RescueTable,
  RowPlan,
} from './rescue/row-plan.ts';
export type { SavedConflict } from './rescue/save-conflicts.ts';
export { requireNotCarriedOut } from './run/carried-out.ts';
export type { Engine } from './run/engine/engine.ts';
export { openEngine } from './run/engine/open-engine.ts';
export { openPostgresEngine } from './run/engine/postgres-engine.ts';
export { openSqliteEngine } from './run/engine/sqlite-engine.ts';
export { approvalWanted } from './run/give-up-written.ts';
export { isRecovered } from './run/is-recovered.ts';
export { type KeptFormer, keptFormers } from './run/kept-formers.ts';
export { type KeptOut, keptOutBy } from './run/kept-out.ts';
export { mayAllow, personOf } from './run/people.ts';
export { clockOf, type RecoveryClock } from './run/recovery-clock.ts';
export {
  RecoveryRuns,
  type RecoveryRunsOptions,
  type ResumeOptions,
  requireStep,
} from './run/recovery-runs.ts';
export type { StepKinds } from './run/run-context.ts';
export type { RunAnswer, RunDesk, RunQuestion } from './run/run-desk.ts';
export type { RunEvent } from './run/run-event.ts';
export type { NoteBody } from './run/run-note.ts';
export type { RunPhase, RunState, StepPhase, StepState } from './run/run-state.ts';
export { isEnded } from './run/take-run.ts';
export {
  compareWithUsual,
  describeSlowdown,
  type PerformanceComparison,
  serverOf,
} from './service-baseline/compare-with-usual.ts';
export { recordServiceBaselines } from './service-baseline/record-service-baselines.ts';
export { recordServicePerformance } from './service-baseline/record-service-performance.ts';
export {
  listServiceBaselines,
  type ServiceBaselineRecord,
  type StoredServiceBaselines,
} from './service-baseline/service-baseline-record.ts';
export { knownStepKinds, stepKind } from './steps/registry.ts';
export type { CredentialToRotate, InputOf, StepInputs } from './steps/step-inputs.ts';
export type { StepContext, StepKind, StepKindName, StepOutcome } from './steps/step-kind.ts';
export {
  type FoundConfiguration,
  findConfigurations,
  type RefusedRecord,
} from './stored-configuration/find-configurations.ts';
export { keptLocations } from './stored-configuration/kept-locations.ts';
export {
  type ConfigurationWorld,
  storeConfiguration,
} from './stored-configuration/store-configuration.ts';
export type { Surroundings } from './surroundings.ts';
export type { Tell, TimelineEntry } from './timeline.ts';
export type { ApplicationResult } from './validate/application/application-result.ts';
export type { CheckSurroundings } from './validate/application/check-surroundings.ts';
export {
  type MeasureServices,
  measureServices,
} from './validate/application/measure-services.ts';
export type { RestoredPlace } from './validate/application/restored-place.ts';
export { nameOfCheck, runApplicationCheck } from './validate/application/run-application-check.ts';
export { type ErrorLines, searchOutput } from './validate/application/search-output.ts';
export {
  comparePerformance,
  type ServicePerformance,
  type Slowdown,
} from './validate/application/service-performance.ts';
export {
  type TestedService,
  type TestService,
  testService,
} from './validate/application/test-service.ts';
export { type HealthWait, waitUntilHealthy } from './validate/application/wait-until-healthy.ts';
export type { CheckResult, NotChecked, Problem } from './validate/check.ts';
export type { ValidationLevel } from './validate/checks.ts';
export { userChecksOf } from './validate/configured-checks.ts';
export type { UserCheck } from './validate/user-check.ts';
