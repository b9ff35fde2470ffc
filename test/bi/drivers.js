// Reads reports as tools do, by the drivers of Evidence and of Cube.
//
//	NODE_PATH=.../node_modules node test/bi/drivers.js evidence|cube SCHEMA
//
// The server and the user are those of PGHOST, PGPORT, PGUSER and PGDATABASE.  Of each column
// of each relation of the schema that the tool lists it prints a line: relation, column, the
// type that the driver says it has, and the types of JavaScript that its values have.
const [driver, schema] = process.argv.slice(2);
const server = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, database: process.env.PGDATABASE,
};
const listed = 'SELECT table_schema::text AS table_schema, table_name::text AS table_name FROM information_schema.tables'
  + " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";

// readers of a query: its rows, and its columns with their types
const readers = {
  evidence: () => {
    const runQuery = require('@evidence-dev/postgres');
    return {
      read: async (sql) => {
        const result = await runQuery(sql, server);
        const rows = [];
        for await (const batch of result.rows()) rows.push(...batch);
        return { rows, columns: result.columnTypes.map((c) => [c.name, c.evidenceType]) };
      },
      end: async () => {},
    };
  },
  cube: () => {
    const { PostgresDriver } = require('@cubejs-backend/postgres-driver');
    const cube = new PostgresDriver({ ...server, dataSource: 'default' });
    return {
      read: async (sql) => {
        const { rows, types } = await cube.downloadQueryResults(sql, [], { highWaterMark: 1000 });
        return { rows, columns: types.map((c) => [c.name, c.type]) };
      },
      end: () => cube.release(),
    };
  },
};

function kind(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : 'date';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no number';
  return typeof value;
}

(async () => {
  const reader = readers[driver]();
  const { rows } = await reader.read(`${listed} ORDER BY table_schema, table_name`);
  for (const { table_schema: of, table_name: relation } of rows) {
    if (of !== schema) throw new Error(`${of}.${relation} is listed as well`);
    const report = await reader.read(`SELECT * FROM ${schema}.${relation}`);
    for (const [name, type] of report.columns) {
      const kinds = new Set(report.rows.map((row) => kind(row[name])));
      kinds.delete('null');
      process.stdout.write(`${relation}\t${name}\t${type}\t${[...kinds].sort().join(' ')}\n`);
    }
  }
  await reader.end();
})().catch((error) => { console.error(error); process.exit(1); });
