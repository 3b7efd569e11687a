import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { LifeboatError } from '../../core/index.ts';
import { parseConnectionUrl } from '../../sources/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import { chooseFiles, filesSourceName, withoutRepository } from './choose-files.ts';
import { choosePassword, type PasswordValues } from './choose-password.ts';
import { chooseVolumes } from './choose-volumes.ts';
import { chooseWhat, refuseUnusedExcludes, type What, type WhatOptions } from './choose-what.ts';
import { type ChosenApplication, chooseApplication } from './docker/choose-application.ts';
import { parseRetentionText, proposedRetention } from './retention-text.ts';
import type { ChosenFiles, ChosenVolume, SetupChoices } from './setup-choices.ts';

export interface SetupOptions extends PasswordValues, WhatOptions {
  readonly source?: string | undefined;
  readonly location?: string | undefined;
  readonly keep?: string | undefined;
  readonly name?: string | undefined;
  readonly yes?: boolean | string | undefined;
}

/**
 * What the options say; the rest is asked, or taken as proposed when there is nobody to ask. What is wrong is said before anything is
 * written. Errors: `usage.invalid`.
 */
export async function chooseSetup(
  given: SetupOptions,
  configurationFolder: string,
  context: CommandContext,
): Promise<SetupChoices> {
  const ask = given.yes ? undefined : context.ask;
  if (given.connection) refusePassword(given.connection);
  const givenRetention = given.keep === undefined ? undefined : parseRetentionText(given.keep);
  const volumes = chooseVolumes(given.volume ?? []);
  const what = await chooseWhat(given, context, ask);
  const application = await applicationOf(what, given, volumes, context, ask);
  const files = await filesOf(what, application, given, context, ask);
  const connection = what.postgres
    ? (given.connection ?? (await answer(ask, 'Server to protect', what.proposal)))
    : application?.connection;
  if (connection !== undefined) refusePassword(connection);
  const place =
    given.location ??
    (await answer(
      ask,
      'Where the repository lies: a folder, or s3:, gs:, rest:, rclone: with an address',
      defaultLocation(),
    ));
  const location = /^[a-z0-9]+:/.test(place) ? place : absolutePlace(place, context);
  const password = await choosePassword(given, configurationFolder, context, ask);
  const retention = given.keep === undefined ? await chooseRetention(context, ask) : givenRetention;
  const ownName = what.isWhole ? what.application?.project : undefined;
  const name = given.name ?? (await answer(ask, 'Name, for people', ownName ?? hostname()));
  return {
    name,
    location,
    password,
    retention,
    connection,
    files: files && withoutRepository(files, location),
    volumes: application?.volumes ?? volumes,
    server: application?.server,
    services: application?.services,
  };
}

async function applicationOf(
  { application, survey, isWhole }: What,
  { connection, source, volume, path = [] }: SetupOptions,
  volumes: readonly ChosenVolume[],
  context: CommandContext,
  ask: Ask | undefined,
): Promise<ChosenApplication | undefined> {
  if (application === undefined || survey === undefined) return undefined;
  const given = {
    connection,
    volumes: volume && volumes,
    files: source ?? filesSourceName(hostname()),
    isWhole,
    hasPaths: path.length > 0,
  };
  return await chooseApplication(application, survey, given, context, ask);
}

/** Those that options and answers name, and folders of the application. */
async function filesOf(
  what: What,
  application: ChosenApplication | undefined,
  { path = [], exclude, source }: SetupOptions,
  context: CommandContext,
  ask: Ask | undefined,
): Promise<ChosenFiles | undefined> {
  const folders = application?.folders ?? [];
  const paths = [...path, ...folders];
  if (application && !what.files && folders.length === 0) refuseUnusedExcludes(false, exclude);
  if (!what.files && folders.length === 0) return undefined;
  return await chooseFiles({ paths, exclude, name: source }, context, ask);
}

async function answer(ask: Ask | undefined, question: string, proposal: string): Promise<string> {
  return ((await ask?.text(question, proposal)) ?? '').trim() || proposal;
}

function refusePassword(connection: string): void {
  if (!parseConnectionUrl(connection).password) return;
  throw new LifeboatError('usage.invalid', 'the connection URL holds a password', {
    hint: 'Arguments can be seen by everybody on the machine. Leave it out here and put it into lifeboat.yaml as password: { file: PATH }.',
  });
}

/** A text that is not understood is asked for again. */
async function chooseRetention(context: CommandContext, ask: Ask | undefined) {
  if (!ask) return parseRetentionText(proposedRetention);
  for (;;) {
    const question = 'Which snapshots to keep ("all": forget nothing)';
    const text = await answer(ask, question, proposedRetention);
    try {
      return parseRetentionText(text);
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      context.output.warn(error.message, error.hint);
    }
  }
}

function absolutePlace(text: string, { environment, folder }: CommandContext): string {
  const home = environment.HOME || homedir();
  return text.startsWith('~/') ? join(home, text.slice(2)) : resolve(folder, text);
}

function defaultLocation(): string {
  return process.getuid?.() === 0
    ? '/var/backups/lifeboat'
    : join(homedir(), '.local/share/lifeboat/repository');
}
