// Loads the Cube models of a folder with Cube's own compiler, and prints the SQL that Cube
// makes of some queries, one a line: name, tab, SQL.
//
//	NODE_PATH=.../node_modules node test/bi/cube.js FOLDER TIMEZONE
//
// The package @cubejs-backend/native has a binary that cannot be had everywhere.  Models in
// JavaScript need it for templates alone, which they do not have, and SQL can be made without it.
process.env.CUBEJS_TESSERACT_SQL_PLANNER = 'false';
// the compiler warns of the planner that it was told to use
console.warn = console.log = () => {};

const Module = require('module');
const load = Module._load;
Module._load = function (name, ...rest) {
  const real = load.call(this, name, ...rest);
  if (name !== '@cubejs-backend/native') return real;
  class NativeInstance extends real.NativeInstance {
    newJinjaEngine() { return {}; }
    async loadPythonContext() { return {}; }
  }
  return Object.assign({}, real, { NativeInstance });
};

const fs = require('fs');
const path = require('path');
const { prepareCompiler } = require('@cubejs-backend/schema-compiler');
const { PostgresQuery } = require('@cubejs-backend/schema-compiler/dist/src/adapter/PostgresQuery');

const [folder, timezone] = process.argv.slice(2);
const files = fs.readdirSync(folder).filter((f) => f.endsWith('.js'))
  .map((f) => ({ fileName: f, content: fs.readFileSync(path.join(folder, f), 'utf8') }));

const queries = {
  calls_by_day: { measures: ['usage.calls'], timeDimensions: [{ dimension: 'usage.hour', granularity: 'day' }] },
  refused_by_app: { measures: ['usage.calls', 'usage.refused', 'usage.refused_percent'], dimensions: ['apps.app_id', 'apps.app_path'] },
  latency_by_product: { measures: ['latency.responses', 'latency.p95_ms', 'latency.avg_ms', 'latency.error_percent'], dimensions: ['products.product'] },
  latency_by_day: { measures: ['latency.responses'], timeDimensions: [{ dimension: 'latency.day', granularity: 'day' }] },
  decisions: { measures: ['approvals.decisions', 'approvals.hours', 'approvals.hours_p90'], dimensions: ['approvals.outcome'], segments: ['approvals.by_people'] },
  deleted_apps: { measures: ['apps.count'], dimensions: ['apps.is_deleted'] },
  products: { measures: ['products.count'], dimensions: ['products.access'] },
};

(async () => {
  const compilers = prepareCompiler({ localPath: () => folder, dataSchemaFiles: async () => files }, { adapter: 'postgres' });
  await compilers.compiler.compile();
  for (const [name, query] of Object.entries(queries)) {
    const [sql, values] = new PostgresQuery(compilers, { ...query, timezone }).buildSqlAndParams();
    const whole = sql.replace(/\$(\d+)/g, (all, n) => `'${String(values[n - 1]).replace(/'/g, "''")}'`);
    process.stdout.write(`${name}\t${whole.replace(/\s+/g, ' ')}\n`);
  }
})().catch((error) => { console.error(error); process.exit(1); });
