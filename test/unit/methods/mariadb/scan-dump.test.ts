import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { onlyDatabases } from '../../../../src/methods/mariadb/pick-databases.ts'
import { scanDump } from '../../../../src/methods/mariadb/scan-dump.ts'

const dump = [
  '/*M!999999\\- enable the sandbox mode */ ',
  '-- MariaDB dump 10.19-11.8.6-MariaDB',
  "/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;",
  '--',
  '-- Current Database: `shop`',
  '--',
  'CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`;',
  'USE `shop`;',
  'CREATE TABLE `a ``(`` VALUES` (',
  '  `x` int',
  ');',
  // As mysqldump writes it, with named columns; as mariadb-dump does, a row a line.
  "INSERT INTO `a ``(`` VALUES` (`b``)(`, `VALUES`) VALUES (1,'it\\'s; (n)\\\\'),(2,'--\\nINSERT INTO `x` VALUES (1);'),(3,NULL);",
  'INSERT INTO `a ``(`` VALUES` VALUES',
  "(4,''),",
  "(5,'()'''),",
  '(6,0xFF);',
  'CREATE TABLE `empty` (',
  ');',
  'DELIMITER ;;',
  'CREATE PROCEDURE `p`()',
  '-- Current Database: `evil`',
  'USE `evil`;',
  'INSERT INTO `empty` VALUES (1);;',
  'DELIMITER ;',
  '--',
  '-- Current Database: `odd ``name`',
  '--',
  'USE `odd ``name`;',
  'CREATE TABLE `t` (',
  ');',
  'INSERT INTO `t` VALUES (1);',
  `-- ${'long '.repeat(1000)}`,
  '--',
  '-- Current Database: `shop`',
  '--',
  'USE `shop`;',
  '/*!50001 CREATE VIEW `v` AS SELECT 1 */;',
  '-- Dump completed on 2026-11-23  4:53:33',
  '',
].join('\n')

/** The dump in chunks of so many bytes. */
function* chunks(size: number): Iterable<Buffer> {
  const bytes = Buffer.from(dump)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe.each([1, 2, 7, 64, 100_000])('in chunks of %i bytes', (size) => {
  test('rows are counted by database and table, whatever stands in names, texts and bodies', () => {
    const { write, rows } = scanDump()
    for (const chunk of chunks(size)) write(chunk)
    const found = Object.fromEntries([...rows].map(([name, tables]) => [name, Object.fromEntries(tables)]))
    expect(found).toEqual({ shop: { 'a `(` VALUES': 6, empty: 0 }, 'odd `name': { t: 1 } })
  })

  test('the sections of a database are taken, without the line that other clients fail on', async () => {
    const lines = dump.split('\n')
    const chosen = (names: string[]) => text(Readable.from(onlyDatabases(Readable.from(chunks(size)), names)))
    expect(await chosen(['shop', 'odd `name'])).toBe(lines.slice(1).join('\n'))
    const first = lines.indexOf('-- Current Database: `odd ``name`')
    const second = lines.lastIndexOf('-- Current Database: `shop`')
    expect(await chosen(['shop'])).toBe([...lines.slice(1, first), ...lines.slice(second)].join('\n'))
  })
})
