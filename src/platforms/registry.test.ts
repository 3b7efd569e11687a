import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ServiceSetting } from '../config/index.ts';
import { describeService } from './describe-service.ts';
import { readAnswer } from './read-answer.ts';
import { createPlatforms } from './registry.ts';

const container: ServiceSetting = { platform: 'docker', name: 'api', container: 'shop-api' };
const unit: ServiceSetting = { platform: 'systemd', name: 'worker', unit: 'shop-worker.service' };

describe('the registry of platforms', () => {
  it('gives services of one place the same platform, and those of another their own', () => {
    const platforms = createPlatforms({ environment: {} });
    expect(platforms.of(container)).toBe(platforms.of({ ...container, name: 'other' }));
    expect(platforms.of({ ...container, context: 'prod' })).not.toBe(platforms.of(container));
    expect(platforms.of(unit).kind).toBe('systemd');
    expect(platforms.of({ ...unit, user: true })).not.toBe(platforms.of(unit));
  });

  it('describes what is stopped and started', () => {
    const compose = { files: ['/srv/compose.yaml'], service: 'web' };
    expect(describeService(container)).toBe('container shop-api');
    expect(describeService({ platform: 'docker', name: 'web', compose })).toBe(
      'compose service web',
    );
    expect(describeService({ ...unit, user: true })).toBe('user unit shop-worker.service');
  });
});

describe('answers of programs', () => {
  it('that are not understood are an error that does not repeat them', () => {
    const form = z.object({ State: z.object({ Pid: z.int() }) });
    for (const text of ['PASSWORD=hunter2', '{"State":{"Pid":"hunter2"}}']) {
      const read = () => readAnswer(form, text, { purpose: 'look' });
      expect(read).toThrow(/^cannot look: an answer is not of the form that is known/);
      expect(read).not.toThrow(/hunter2/);
    }
  });
});
