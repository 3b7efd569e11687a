import type { HttpCheckSetting, PasswordSetting } from '../../../config/index.ts';
import { type Finding, fails, holds } from './application-result.ts';
import { askHttp, type HttpAnswer } from './ask-http.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { atPath } from './json-path.ts';

type Sent = string | number | boolean | null | PasswordSetting;

/** Asks as the check says and looks at the answer. Values of the answer are not repeated: it may hold what nobody should see. */
export async function checkHttp(
  check: HttpCheckSetting,
  surroundings: CheckSurroundings,
  signal: AbortSignal,
): Promise<Finding> {
  const body = check.send && JSON.stringify(await revealed(check.send, surroundings));
  const headers = await revealed(check.headers ?? {}, surroundings);
  const answer = await askHttp({
    url: check.http,
    method: check.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      accept: '*/*',
      'user-agent': 'lifeboat',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body === undefined ? {} : { body }),
    ...(check.ca === undefined ? {} : { caFile: check.ca }),
    signal,
  });
  const wrong = wrongStatus(check, answer) ?? wrongBody(check, answer);
  return wrong === undefined ? holds(`answered ${answer.status}`) : fails(wrong);
}

async function revealed(
  fields: Readonly<Record<string, Sent>>,
  { secret }: CheckSurroundings,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(fields).map(async ([name, value]) => [
    name,
    typeof value === 'object' && value !== null
      ? (await secret(`value of "${name}"`, value)).reveal()
      : value,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

function wrongStatus({ status }: HttpCheckSetting, answer: HttpAnswer): string | undefined {
  const isRight =
    status === undefined ? answer.status >= 200 && answer.status < 300 : answer.status === status;
  if (isRight) return undefined;
  const elsewhere = answer.location === undefined ? '' : ', a redirect';
  return `answered ${answer.status}${elsewhere}, expected ${status ?? '200 to 299'}`;
}

function wrongBody(
  { contains, json = {}, has = [] }: HttpCheckSetting,
  { body, isCut }: HttpAnswer,
): string | undefined {
  const where = isCut ? ' in the first 4 MiB of its answer' : ' in its answer';
  if (contains !== undefined && !body.includes(contains)) return `no "${contains}"${where}`;
  const paths = [...Object.keys(json), ...has];
  if (paths.length === 0) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return isCut ? 'its answer is longer than 4 MiB' : 'its answer is no JSON';
  }
  for (const path of paths) {
    const found = atPath(document, path);
    if (found === undefined) return `nothing at ${path}${where}`;
    if (Object.hasOwn(json, path)) {
      if (found !== json[path])
        return `another value at ${path} than ${JSON.stringify(json[path])}`;
    } else if (found === null) {
      return `null at ${path}${where}`;
    }
  }
  return undefined;
}
