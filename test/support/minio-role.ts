import { createHash, createHmac } from 'node:crypto';
import { s3Secret, s3User, type TestS3Server } from './s3-server.ts';

/** Credentials of minio that may do what `policy` (JSON) allows and nothing else, for an hour. */
export async function minioRole({ url }: TestS3Server, policy: string): Promise<NodeJS.ProcessEnv> {
  const parameters = { Action: 'AssumeRole', Version: '2011-06-15', Policy: policy };
  const body = new URLSearchParams(parameters).toString();
  const { host } = new URL(url);
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const contentType = 'application/x-www-form-urlencoded';
  const headers = { 'content-type': contentType, host, 'x-amz-date': date };
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, authorization: signature(headers, date, body) },
    body,
  });
  const text = await answer.text();
  const field = (name: string): string => {
    const value = new RegExp(`<${name}>([^<]+)`).exec(text)?.[1];
    if (value === undefined) throw new Error(`minio gave no role: ${answer.status} ${text}`);
    return value;
  };
  return {
    AWS_ACCESS_KEY_ID: field('AccessKeyId'),
    AWS_SECRET_ACCESS_KEY: field('SecretAccessKey'),
    AWS_SESSION_TOKEN: field('SessionToken'),
  };
}

/** AWS Signature Version 4 of a POST to `/` for the service `sts`. */
function signature(headers: Record<string, string>, date: string, body: string): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest();
  const names = Object.keys(headers).sort().join(';');
  const lines = Object.keys(headers)
    .sort()
    .map((name) => `${name}:${headers[name]}\n`)
    .join('');
  const request = ['POST', '/', '', lines, names, hash(body)].join('\n');
  const scope = `${date.slice(0, 8)}/us-east-1/sts/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, hash(request)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${s3Secret}`);
  const signed = mac(key, text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${s3User}/${scope}, SignedHeaders=${names}, Signature=${signed}`;
}
