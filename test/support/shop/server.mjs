// A small shop: orders in PostgreSQL, uploads in a folder. It creates its tables when it starts.
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';

const { DATABASE_URL, UPLOADS = '/uploads', PORT = '8000', GREETING = 'welcome' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 });
pool.on('error', (error) => console.error(`ERROR ${error.message}`));

for (let ready = false; !ready; ) {
  try {
    await pool.query(
      'create table if not exists users (id int generated always as identity primary key, email text unique not null)',
    );
    await pool.query(
      'create table if not exists orders (id int generated always as identity primary key, user_id int not null references users, note text, at timestamptz not null default now())',
    );
    ready = true;
  } catch (error) {
    console.error(`ERROR not ready: ${error.message}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const routes = {
  'GET /health': async () => {
    await pool.query('select 1');
    return { status: 'ok', greeting: GREETING };
  },
  'GET /counts': async () => {
    const { rows } = await pool.query(
      'select (select count(*)::int from users) as users, (select count(*)::int from orders) as orders',
    );
    return { ...rows[0], uploads: readdirSync(UPLOADS).length };
  },
  'POST /orders': async ({ email, note }) => {
    const { rows } = await pool.query(
      `with buyer as (insert into users (email) values ($1) on conflict (email) do update set email = excluded.email returning id)
       insert into orders (user_id, note) select id, $2 from buyer returning id`,
      [email, note],
    );
    return rows[0];
  },
  'POST /uploads': async ({ name, text }) => {
    writeFileSync(join(UPLOADS, name.replaceAll('/', '_')), text);
    return { name };
  },
};

createServer(async (request, response) => {
  try {
    let body = '';
    for await (const part of request) body += part;
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return response.writeHead(404).end('{}');
    const answer = await route(body === '' ? {} : JSON.parse(body));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  } catch (error) {
    console.error(`ERROR ${request.method} ${request.url}: ${error.message}`);
    response.writeHead(503).end(JSON.stringify({ error: error.message }));
  }
}).listen(Number(PORT), () => console.log(`INFO shop listens on ${PORT}`));
process.on('SIGTERM', () => process.exit(0));
