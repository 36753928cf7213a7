-- The words the other SQL files are written in.

-- Reading what a file says. Each gives NULL where it cannot be read.

CREATE MACRO as_text(written) AS nullif(trim(written), '');

CREATE MACRO as_upn(written) AS upper(written);

-- A year of two figures is not guessed at.
CREATE MACRO in_our_time(moment) AS (
    CASE WHEN moment BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2100-01-01' THEN moment::DATE END
);

-- The shape is told first, because a format that fails costs fifteen times one that fits.
CREATE MACRO as_date(written) AS (
    in_our_time(CASE
        WHEN contains(written, '/')
        THEN try_strptime(written, ['%d/%m/%Y', '%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M'])
        WHEN written[5] = '-' AND written[6] BETWEEN '0' AND '9'
        THEN try_strptime(written, ['%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S'])
        WHEN written[5] = '-'
        THEN try_strptime(written, ['%Y-%b-%d %H:%M:%S', '%Y-%b-%d'])
        ELSE try_strptime(written, ['%d-%b-%Y', '%d-%b-%Y %H:%M:%S'])
    END)
);

CREATE MACRO as_decimal(written) AS try_cast(written AS DECIMAL(12, 2));

-- 10.0 is a whole number and 10.5 is none.
CREATE MACRO as_integer(written) AS (
    CASE WHEN as_decimal(written) = trunc(as_decimal(written)) THEN try_cast(as_decimal(written) AS INTEGER) END
);

CREATE MACRO as_yes_no(written) AS (
    CASE
        WHEN lower(written) IN ('1', '1.0', 'true', 'yes', 'y', 't') THEN true
        WHEN lower(written) IN ('0', '0.0', 'false', 'no', 'n', 'f') THEN false
    END
);

-- A postcode without its space: SW1A2AA.
CREATE MACRO as_postcode(written) AS (
    CASE
        WHEN regexp_full_match(upper(replace(written, ' ', '')), '[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}')
        THEN upper(replace(written, ' ', ''))
    END
);

-- Unique pupil numbers. UN1 to UN5 say why there is none.

CREATE MACRO is_upn(upn) AS (regexp_full_match(upn, '[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]'));

CREATE MACRO is_no_upn(upn) AS (regexp_full_match(upn, 'UN[1-5]'));

-- The check letter: weights 2 to 13 over the twelve characters that follow it, modulo 23; a letter counts as its
-- place in the alphabet without I, O and S. Every number of 13 characters of the right form has one.
CREATE MACRO upn_check_letter(upn) AS (
    substr('ABCDEFGHJKLMNPQRTUVWXYZ', 1 + (
        2 * (ascii(upn[2]) - 48) + 3 * (ascii(upn[3]) - 48) + 4 * (ascii(upn[4]) - 48)
        + 5 * (ascii(upn[5]) - 48) + 6 * (ascii(upn[6]) - 48) + 7 * (ascii(upn[7]) - 48)
        + 8 * (ascii(upn[8]) - 48) + 9 * (ascii(upn[9]) - 48) + 10 * (ascii(upn[10]) - 48)
        + 11 * (ascii(upn[11]) - 48) + 12 * (ascii(upn[12]) - 48)
        + 13 * CASE
            WHEN upn[13] BETWEEN '0' AND '9' THEN ascii(upn[13]) - 48
            ELSE strpos('ABCDEFGHJKLMNPQRTUVWXYZ', upn[13]) - 1
        END
    ) % 23, 1)
);

-- Row tokens: HMAC-SHA256 (RFC 2104) under the node's key, the first 32 hex figures. The two paddings of the key are
-- set as variables before any file is read.
CREATE MACRO row_token(identifier) AS (
    left(sha256(getvariable('outer_pad') || unhex(sha256(getvariable('inner_pad') || encode(identifier)))), 32)
);

-- Ages and school years.

-- Completed years; NULL before birth.
CREATE MACRO age_on(born, day) AS (CASE WHEN born <= day THEN datesub('year', born, day) END);

-- The 31 August before the school year a day falls in.
CREATE MACRO school_year_eve(day) AS (make_date(year(day) - CASE WHEN month(day) < 9 THEN 1 ELSE 0 END, 8, 31));

-- Year group by age on that day: 4 years is Reception, 0; children under school age have negative numbers.
CREATE MACRO year_group_on(born, day) AS (datesub('year', born, school_year_eve(day)) - 4);

CREATE MACRO key_stage_of(year_group) AS (
    CASE
        WHEN year_group IS NULL THEN NULL
        WHEN year_group < 1 THEN 'early_years'
        WHEN year_group < 3 THEN 'key_stage_1'
        WHEN year_group < 7 THEN 'key_stage_2'
        WHEN year_group < 10 THEN 'key_stage_3'
        WHEN year_group < 12 THEN 'key_stage_4'
        ELSE 'post_16'
    END
);

CREATE MACRO term_of_birth(born) AS (
    CASE WHEN month(born) >= 9 THEN 'autumn' WHEN month(born) <= 4 THEN 'spring' WHEN born IS NOT NULL THEN 'summer' END
);

-- The first letter of every ethnic group's code is that of its major group.
CREATE MACRO major_ethnicity(code) AS (
    CASE
        WHEN code IN ('REFU', 'NOBT') THEN 'unknown'
        WHEN code[1] = 'W' THEN 'white'
        WHEN code[1] = 'M' THEN 'mixed'
        WHEN code[1] = 'A' THEN 'asian'
        WHEN code[1] = 'B' THEN 'black'
        WHEN code[1] = 'C' THEN 'chinese'
        WHEN code[1] = 'O' THEN 'other'
    END
);

-- The terms of a census in order, and the days they cover.

CREATE MACRO term_number(term) AS (CASE term WHEN 'autumn' THEN 1 WHEN 'spring' THEN 2 WHEN 'summer' THEN 3 END);

CREATE MACRO term_start(academic_year, term) AS (
    CASE term
        WHEN 'autumn' THEN make_date(academic_year // 100, 9, 1)
        WHEN 'spring' THEN make_date(academic_year // 100 + 1, 1, 1)
        WHEN 'summer' THEN make_date(academic_year // 100 + 1, 4, 1)
    END
);

CREATE MACRO term_end(academic_year, term) AS (
    CASE term
        WHEN 'autumn' THEN make_date(academic_year // 100, 12, 31)
        WHEN 'spring' THEN make_date(academic_year // 100 + 1, 3, 31)
        WHEN 'summer' THEN make_date(academic_year // 100 + 1, 8, 31)
    END
);
