// SPDX-License-Identifier: Apache-2.0
// usage: read.mjs FILE KEY: how many rows DuckDB finds in a file of JSON lines, and how many items in their KEY.
import { DuckDBInstance } from "@duckdb/node-api";

const [file, key] = process.argv.slice(2);
const database = await DuckDBInstance.create(":memory:");
const connection = await database.connect();
const reader = await connection.runAndReadAll(
  `select count(*)::varchar as rows, sum(len("${key}"))::varchar as resources
   from read_json_auto('${file}', format = 'newline_delimited')`);
console.log(JSON.stringify(reader.getRowObjectsJson()[0]));
