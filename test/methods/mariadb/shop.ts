import { appPassword, type Server } from './server.ts'

/** Two databases with everything that a dump can lose, and an empty one. */
export const fill = async ({ sql }: Server): Promise<void> => {
  await sql(`CREATE DATABASE shop COMMENT 'it''s a shop';
    CREATE DATABASE \`odd \`\`name'' = x\` CHARACTER SET latin1; CREATE DATABASE void;
    CREATE ROLE readers; GRANT SELECT ON shop.* TO readers;
    CREATE USER app@'%' IDENTIFIED BY '${appPassword.replaceAll("'", "''")}';
    GRANT readers TO app@'%'; SET DEFAULT ROLE readers FOR app@'%';
    GRANT INSERT, UPDATE ON shop.* TO app@'%' WITH GRANT OPTION;
    ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 50; GRANT SELECT ON void.* TO PUBLIC;
    CREATE USER \`both\`@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD('x y') OR unix_socket;
    CREATE USER gone@'%';
    CREATE TABLE \`odd \`\`name'' = x\`.\`t'\` (a INT); INSERT INTO \`odd \`\`name'' = x\`.\`t'\` VALUES (1);`)
  await sql(`USE shop;
    CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, body TEXT, price DECIMAL(9,2),
      twice INT AS (price * 2) STORED,
      low VARCHAR(200) AS (LOWER(LEFT(body, 50))) VIRTUAL, data LONGBLOB, at TIMESTAMP DEFAULT '2026-01-01 00:00:00',
      bits BIT(9), j JSON, INDEX (low)) AUTO_INCREMENT = 500;
    INSERT INTO orders (body, price, data, bits, j)
      SELECT CONCAT('it''s (n), ; 😀 \\\\ "', seq, '"\\n-- Dump completed\\nUSE \`x\`;\\nINSERT INTO \`'), seq / 3,
      UNHEX(REPEAT('00ff5c270a', seq)), b'101', '{"a":"b"}' FROM seq_1_to_300;
    CREATE TABLE \`lines \`\`(\`\` VALUES ü\` (\`a \`\`)(\` INT, \`VALUES\` TEXT COMMENT 'a\\nb', gone INT INVISIBLE);
    INSERT INTO \`lines \`\`(\`\` VALUES ü\` (\`a \`\`)(\`, \`VALUES\`, gone) VALUES (1, ';', 2), (2, '((', NULL),
      (3, NULL, 3);
    CREATE TABLE a_line (order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id));
    INSERT INTO a_line SELECT id FROM orders;
    CREATE TABLE log (n INT) ENGINE = MyISAM; INSERT INTO log VALUES (1), (2);
    CREATE TABLE aria (n INT) ENGINE = Aria; INSERT INTO aria VALUES (7);
    CREATE TABLE parts (id INT, day DATE) PARTITION BY RANGE (YEAR(day)) (PARTITION p0 VALUES LESS THAN (2026),
      PARTITION p1 VALUES LESS THAN MAXVALUE);
    INSERT INTO parts VALUES (1, '2025-01-01'), (2, '2027-01-01');
    CREATE SEQUENCE s START WITH 100 INCREMENT BY 5 NOCACHE; DO NEXTVAL(s);
    CREATE TABLE bare (n INT); CREATE TABLE checked (n INT); INSERT INTO checked VALUES (-1);
    CREATE TABLE ticked (n INT); INSERT INTO orders (data) VALUES (REPEAT('x', 9000000));
    SET check_constraint_checks = 0; ALTER TABLE checked ADD CHECK (n > 0);`)
  await sql(`USE shop; GRANT SELECT ON shop.* TO gone@'%';
    CREATE DEFINER = gone@'%' VIEW z_view AS SELECT id, body FROM orders WHERE id > 510;
    CREATE VIEW a_view AS SELECT * FROM z_view;
    DELIMITER //
    CREATE DEFINER = gone@'%' PROCEDURE p(IN n INT)
    BEGIN
-- Current Database: \`evil\`
/* USE \`evil\`; */
INSERT INTO \`log\` VALUES
(n),(n);
    END //
    CREATE FUNCTION f(n INT) RETURNS INT DETERMINISTIC RETURN n + 1 //
    CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW BEGIN INSERT INTO log VALUES (NEW.id); END //
    CREATE EVENT ticks ON SCHEDULE EVERY 1 SECOND DO INSERT INTO ticked VALUES (1) //
    DELIMITER ;
    GRANT EXECUTE ON PROCEDURE shop.p TO app@'%'; GRANT SELECT (id) ON shop.orders TO app@'%';
    DROP USER gone@'%';`)
}

/** All that a restore must bring back, as text. */
export const content = async ({ sql }: Server): Promise<string[]> => [
  await sql(`SELECT COUNT(*), MD5(GROUP_CONCAT(MD5(CONCAT_WS('|', id, body, price, twice, low, HEX(data), at,
      bits + 0, j)) ORDER BY id)) FROM shop.orders;
    SELECT *, gone FROM shop.\`lines \`\`(\`\` VALUES ü\`; SELECT COUNT(*), SUM(order_id) FROM shop.a_line;
    SELECT * FROM shop.log; SELECT * FROM shop.aria;
    SELECT * FROM shop.parts ORDER BY id; SELECT * FROM shop.checked; SELECT * FROM \`odd \`\`name'' = x\`.\`t'\`;
    SELECT shop.f(1);`),
  await sql(`SHOW DATABASES; SHOW CREATE DATABASE shop; SHOW CREATE DATABASE \`odd \`\`name'' = x\`; USE shop;
    SHOW CREATE TABLE orders; SHOW CREATE TABLE a_line;
    SHOW CREATE TABLE parts; SHOW CREATE TABLE log; SHOW CREATE TABLE checked; SHOW CREATE VIEW a_view;
    SHOW CREATE VIEW z_view; SHOW CREATE PROCEDURE p; SHOW CREATE FUNCTION f;
    SELECT EVENT_NAME, EVENT_DEFINITION, STATUS, DEFINER FROM information_schema.EVENTS;
    SELECT TRIGGER_NAME, ACTION_STATEMENT, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop';
    SHOW CREATE TABLE bare;
    SELECT NEXT_NOT_CACHED_VALUE FROM s; SELECT @@GLOBAL.event_scheduler, @@GLOBAL.max_allowed_packet;`),
  await sql(
    `SHOW CREATE USER app@'%'; SHOW GRANTS FOR app@'%'; SHOW GRANTS FOR readers; SHOW GRANTS FOR PUBLIC;
    SHOW CREATE USER \`both\`@localhost; SELECT User, Host FROM mysql.user ORDER BY 1, 2;`,
  ),
]
