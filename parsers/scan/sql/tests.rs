//! Fingerprints of statements as applications and drivers write them.

use super::*;

fn print(sql: &str) -> String {
    let mut out = Vec::new();
    fingerprint(sql.as_bytes(), &mut out);
    String::from_utf8(out).expect("text stays text")
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (sql, want) in cases {
        assert_eq!(print(sql), *want, "{sql}");
    }
}

#[test]
fn literals_fold() {
    check(&[
        ("SELECT * FROM t WHERE a = 5 AND b='x'", "select * from t where a = ? and b = ?"),
        ("select a from t where x=-1 and y = - 2 and z=a-1", "select a from t where x = ? and y = ? and z = a - ?"),
        ("SELECT 0x1F, 1e5, 1.5E-3, .5, 1_000, X'ff', b'01', N'x', E'a\\'b'", "select ?, ?, ?, ?, ?, ?, ?, ?, ?"),
        ("SELECT _utf8mb4'abc', U&'d\\0061t', DATE '2026-01-01'", "select ?, ?, date ?"),
        ("SELECT $1::bigint, 'x'::text, ?, :name, :1, @p0, %s, %(id)s", "select ?::bigint, ?::text, ?, ?, ?, ?, ?, ?"),
        (
            "UPDATE t SET a = NULL, b = true, c=FALSE WHERE d IS NULL AND e IS NOT NULL",
            "update t set a = ?, b = ?, c = ? where d is null and e is not null",
        ),
        ("SELECT 5--1", "select ? - ?"),
        ("SELECT a LIMIT 5 OFFSET 10", "select a limit ? offset ?"),
        ("SELECT 'a' 'b', 9f86d081", "select ? ?, ?"),
    ]);
}

#[test]
fn variables_of_mysql_keep_their_names() {
    check(&[
        ("select @@version_comment limit 1", "select @@version_comment limit ?"),
        ("SELECT @@session.tx_isolation AS a, @@Autocommit", "select @@session.tx_isolation as a, @@autocommit"),
        ("SET @a := 5", "set @a := ?"),
        ("SET @a = 5", "set @a = ?"),
        ("SELECT @n := 1 FROM t", "select @n := ? from t"),
        ("UPDATE t SET a = @p1 OFFSET @p2", "update t set a = ? offset ?"),
    ]);
}

#[test]
fn quotes_within_texts_do_not_end_them() {
    check(&[
        ("SELECT 'it''s', 'it\\'s', a", "select ?, ?, a"),
        ("SELECT 'C:\\' FROM t", "select ? from t"),
        ("SELECT $$it's$$, $tag$ $$ ' $tag$, a", "select ?, ?, a"),
        ("SELECT '--x', '/*', a", "select ?, ?, a"),
        ("SELECT 'never closed WHERE a = 1", "select ?"),
        ("SELECT $q$never closed", "select ?"),
        ("SELECT '", "select ?"),
        ("SELECT 'a\\", "select ?"),
    ]);
}

#[test]
fn comments_go() {
    check(&[
        ("/* a */ SELECT /* b /* nested */ c */ 1 -- d\nFROM t # e", "select ? from t # e"),
        ("SELECT a -- x\n, b", "select a, b"),
        ("# mysql comment\nSELECT 1", "select ?"),
        ("SELECT a /* b /* c */ d", "select a d"),
        ("SELECT a /* never closed", "select a"),
        ("SELECT 1 /*rid='x'*/;", "select ?"),
        ("SELECT /*!40001 SQL_NO_CACHE */ * FROM t", "select * from t"),
        ("-- only", ""),
        ("SELECT a->>'b', c - -1, d@>'{}'", "select a ->> ?, c - ?, d @> ?"),
    ]);
}

#[test]
fn names_stay() {
    check(&[
        ("SELECT * FROM users_2009", "select * from users_2009"),
        ("SELECT * FROM Users_2010 u2", "select * from users_2010 u2"),
        ("SELECT * FROM 2fa_tokens", "select * from 2fa_tokens"),
        (
            "SELECT \"Users\".\"Name\" FROM \"Users\" WHERE \"id\" = \"Other\".\"id\"",
            "select \"Users\".\"Name\" from \"Users\" where \"id\" = \"Other\".\"id\"",
        ),
        ("SELECT `A b` FROM `T` WHERE c = \"x\" AND d LIKE \"y%\"", "select `A b` from `T` where c = ? and d like ?"),
        ("SELECT a FROM t WHERE b = \"x y\"", "select a from t where b = ?"),
        ("INSERT INTO \"T\" (\"a\",\"b\") VALUES ($1,$2)", "insert into \"T\" (\"a\", \"b\") values (?+)"),
        ("SELECT Größe, 名前 FROM t", "select größe, 名前 from t"),
        ("SELECT t . a , count( * ) FROM t", "select t.a, count(*) from t"),
    ]);
}

#[test]
fn lists_fold() {
    check(&[
        ("SELECT a FROM t WHERE b IN (1, 2,3) AND c in('x')", "select a from t where b in (?+) and c in (?+)"),
        ("SELECT a FROM t WHERE (b, c) IN ((1,'x'),(2,'y'))", "select a from t where (b, c) in (?+)"),
        ("SELECT a FROM t WHERE b IN ('1'::int, NULL, -5)", "select a from t where b in (?+)"),
        (
            "SELECT a FROM t WHERE b IN (SELECT c FROM d WHERE e IN (1,2))",
            "select a from t where b in (select c from d where e in (?+))",
        ),
        ("SELECT a FROM t WHERE b IN (1, c, 2)", "select a from t where b in (?, c, ?)"),
        ("SELECT a FROM t WHERE b IN (1, 2, 3", "select a from t where b in (?+)"),
        ("SELECT a FROM t WHERE b IN (", "select a from t where b in ("),
        ("SELECT a FROM t WHERE b = ANY(ARRAY[1,2])", "select a from t where b = any(array[?+])"),
        (
            "INSERT INTO t(a,b) VALUES (1, NOW()),(2, f(g('),('))) ON CONFLICT DO NOTHING",
            "insert into t(a, b) values (?+) on conflict do nothing",
        ),
        ("INSERT INTO t(a,b)\nVALUES(1,2)", "insert into t(a, b) values (?+)"),
        ("INSERT INTO t VALUES (1, 'cut of", "insert into t values (?+)"),
        ("INSERT INTO t VALUES (1),", "insert into t values (?+)"),
        (
            "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "insert into t values (?+) on duplicate key update a = values (?+)",
        ),
    ]);
}

#[test]
fn repeated_unions_fold() {
    let once = "select a from t where b = ? /*repeat union*/";
    check(&[
        ("SELECT a FROM t WHERE b=1 UNION SELECT a FROM t WHERE b=2", once),
        ("SELECT a FROM t WHERE b=1 UNION ALL SELECT a FROM t WHERE b=2 union all select a from t where b = 3;", once),
        ("SELECT a FROM t UNION SELECT b FROM t", "select a from t union select b from t"),
        ("SELECT x FROM (SELECT 1 UNION SELECT 2) y", "select x from (select ? /*repeat union*/) y"),
        ("SELECT union", "select union"),
        ("UNION UNION UNION", "union union union"),
    ]);
}

#[test]
fn calls_uses_and_commands_have_their_own_form() {
    check(&[
        ("CALL pay.transfer(1, 'x')", "call pay.transfer"),
        ("{call transfer(?, ?)}", "call transfer"),
        ("{ ? = CALL f(1) }", "call f"),
        ("use `Bank`", "use ?"),
        ("administrator command: Ping", "administrator command: ping"),
        ("BEGIN", "begin"),
        ("COMMIT;", "commit"),
        ("SET a = 1; SELECT 2;", "set a = ?; select ?"),
        ("", ""),
        (";;", ""),
    ]);
}

#[test]
fn white_space_and_case_fold() {
    let want = print("select a,b from t where c=1");
    assert_eq!(print("  SELECT a ,\n\tb\r\nFROM  t\nWHERE c = 2 ;\n"), want);
}

#[test]
fn ids_are_stable() {
    // The published test vectors of FNV-1a, 64 bits.
    assert_eq!(id(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(id(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn any_cut_and_any_byte_is_survived() {
    let sql = "SELECT 'a\\'b', $t$x$t$, E'\\\\' /* c /* d */ */ FROM \"T\".`u` WHERE a IN (1,(2,3),:x::int) AND b=-1e5 UNION ALL SELECT %s, %(n)s, @p, 0x1F -- e";
    for end in 0..sql.len() {
        print(&sql[..end]);
    }
    let mut out = Vec::new();
    for i in 0..sql.len() {
        for byte in [0, b'\'', b'"', b'(', b')', b'$', b'-', b'/', b'*', b'%', b':', b'.', 0xff] {
            let mut bytes = sql.as_bytes().to_vec();
            bytes[i] = byte;
            fingerprint(&bytes, &mut out);
        }
    }
}

#[test]
fn hostile_repeats_take_linear_time() {
    for part in [
        "'\\'", "(", "in (", "/*", "/*/*x*/", "$a$ $b$ ", "values (", "\"", "`", "union ", "a--", "- ", "#", "\n #", "%(a", "1e+",
    ] {
        let text = part.repeat(2_000_000 / part.len());
        let start = std::time::Instant::now();
        print(&text);
        assert!(start.elapsed().as_secs() < 5, "{part}");
    }
}
