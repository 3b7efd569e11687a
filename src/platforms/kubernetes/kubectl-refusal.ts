/** Why kubectl did not do what it was asked for; told from its words, as it ends with 1 whatever the reason. */
export type Refusal = 'not-found' | 'conflict' | 'exists' | 'denied' | 'unreachable' | 'other';

const signs: readonly (readonly [Refusal, RegExp])[] = [
  ['not-found', /^Error from server \(NotFound\)/m],
  // Somebody else changed the object after it was read.
  ['conflict', /^Error from server \(Conflict\)/m],
  // A test of a JSON Patch did not hold.
  ['conflict', /^The request is invalid: the server rejected our request due to an error/m],
  ['exists', /^Error from server \(AlreadyExists\)/m],
  // Quotas and admission rules are `(Forbidden)` too, but that is no matter of who asks.
  ['denied', /User "[^"]*" cannot |\(Unauthorized\)|must be logged in to the server/],
  [
    'unreachable',
    /The connection to the server .* was refused|Unable to connect to the server|couldn't get current server API group list|i\/o timeout|connection reset by peer|http2: |unexpected EOF|context deadline exceeded|\((ServiceUnavailable|Timeout|ServerTimeout|TooManyRequests|InternalError)\)|currently unable to handle the request|etcdserver: /,
  ],
  // Nothing of the cluster was asked yet: its own configuration does not lead there.
  [
    'denied',
    /^(error: )?(Error in configuration|error loading config file|invalid configuration|stat .*no such file)|context .* does not exist|getting credentials: /im,
  ],
];

export function refusalOf(stderr: string): Refusal {
  return signs.find(([, sign]) => sign.test(stderr))?.[0] ?? 'other';
}

/** What it said, without the lines of its log and without the words that only name the kind of refusal. */
export function wordsOf(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !/^[EWIF]\d{4} \d\d:\d\d:\d\d|^Warning: /.test(line))
    .map((line) => line.replace(/^(Error from server( \(\w+\))?|error): /, ''))
    .join('\n');
}
