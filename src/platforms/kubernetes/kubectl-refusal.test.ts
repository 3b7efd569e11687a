import { expect, it } from 'vitest';
import { refusalOf, wordsOf } from './kubectl-refusal.ts';

// As kubectl 1.34 said it.
it.each([
  ['not-found', 'Error from server (NotFound): deployments.apps "nope" not found'],
  [
    'conflict',
    'Error from server (Conflict): Operation cannot be fulfilled on deployments.apps "api": the object has been modified; please apply your changes to the latest version and try again',
  ],
  [
    'denied',
    'Error from server (Forbidden): deployments.apps "api" is forbidden: User "bob" cannot get resource "deployments" in API group "apps" in the namespace "default"',
  ],
  ['denied', 'error: You must be logged in to the server (Unauthorized)'],
  ['denied', 'Error in configuration: context was not found for specified context: nope'],
  [
    'unreachable',
    'E1126 18:52:34.966743   11517 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: Get \\"https://127.0.0.1:1/api?timeout=32s\\": dial tcp 127.0.0.1:1: connect: connection refused"\nThe connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?',
  ],
  [
    'other',
    'Error from server (Forbidden): pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
  ],
  ['other', 'Error from server: no preferred addresses found; known addresses: []'],
] as const)('tells that it is %s', (refusal, stderr) => {
  expect(refusalOf(stderr)).toBe(refusal);
});

it('keeps what a person can use', () => {
  const said =
    'E1126 18:52:34.966743   11517 memcache.go:265] "Unhandled Error"\nWarning: old\nError from server (NotFound): pods "x" not found\n';
  expect(wordsOf(said)).toBe('pods "x" not found\n');
});
