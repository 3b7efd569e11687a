import { parseTimeSpan, type ServiceSetting } from '../config/index.ts';
import type { PlatformRequest } from './platform.ts';

const stopWithinMsDefault = 60_000;
const startWithinMsDefault = 300_000;
/** For what only looks. */
const lookWithinMs = 30_000;

/** What the call allows, else what the configuration says, else the default. */
export function stopWithinMs(service: ServiceSetting, request: PlatformRequest): number {
  return request.timeoutMs ?? spanMs(service.stopWithin) ?? stopWithinMsDefault;
}

export function startWithinMs(service: ServiceSetting, request: PlatformRequest): number {
  return request.timeoutMs ?? spanMs(service.startWithin) ?? startWithinMsDefault;
}

export function lookTimeoutMs(request: PlatformRequest): number {
  return request.timeoutMs ?? lookWithinMs;
}

function spanMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTimeSpan(text);
}
