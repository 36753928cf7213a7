-- The words the other SQL files are written in.

-- Reading what a file says. Each gives NULL where it cannot be read.

-- Few fields have blanks around them, and looking for them costs a fraction of taking them away. What is empty or
-- begins with a blank comes before '!'.
CREATE MACRO as_text(written) AS (
    CASE
        WHEN written < '!' OR ends_with(written, ' ') THEN nullif(trim(written), '')
        ELSE written
    END
);

-- A year of two figures is not guessed at.
CREATE MACRO in_our_time(moment) AS (
    CASE WHEN moment BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2100-01-01' THEN moment::DATE END
);

-- The day of a moment as ISO 8601 writes it; a day alone, or what is no such moment, as it is.
CREATE MACRO day_of_iso(written) AS (
    CASE
        WHEN length(written) > 10 AND regexp_full_match(
            written, '.{10}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?'
        )
        THEN left(written, 10)
        ELSE written
    END
);

-- The shape is told first, because a format that fails costs fifteen times one that fits.
CREATE MACRO as_date(written) AS (
    in_our_time(CASE
        WHEN written[5] = '-'
        THEN CASE
            WHEN written[6] BETWEEN '0' AND '9' THEN try_strptime(day_of_iso(written), '%Y-%m-%d')
            ELSE try_strptime(written, ['%Y-%b-%d %H:%M:%S', '%Y-%b-%d'])
        END
        WHEN contains(written, '/')
        THEN try_strptime(written, ['%d/%m/%Y', '%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M', '%Y/%m/%d'])
        WHEN contains(written, '-')
        THEN try_strptime(
            written, ['%d-%b-%Y', '%d-%b-%Y %H:%M:%S', '%d-%m-%Y', '%d-%m-%Y %H:%M:%S', '%d-%m-%Y %H:%M']
        )
        WHEN contains(written, '.')
        THEN try_strptime(written, ['%d.%m.%Y', '%d.%m.%Y %H:%M:%S', '%d.%m.%Y %H:%M'])
        ELSE try_strptime(written, ['%d %b %Y', '%d %B %Y'])
    END)
);

CREATE MACRO as_decimal(written) AS try_cast(written AS DECIMAL(14, 4));

-- 10.0 is a whole number and 10.5 is none.
CREATE MACRO as_integer(written) AS (
    CASE WHEN as_decimal(written) = trunc(as_decimal(written)) THEN try_cast(as_decimal(written) AS INTEGER) END
);

-- True and false, yes and no, t and f, y and n, 1 and 0, in any case.
CREATE MACRO as_yes_no(written) AS (
    CASE written WHEN '1.0' THEN true WHEN '0.0' THEN false ELSE try_cast(written AS BOOLEAN) END
);

-- A postcode without its space: SW1A2AA.
CREATE MACRO as_postcode(written) AS (
    CASE
        WHEN regexp_full_match(upper(replace(written, ' ', '')), '[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}')
        THEN upper(replace(written, ' ', ''))
    END
);

-- Years and terms, and the period that the row is of.

-- 2025 gives 202425.
CREATE MACRO year_ending(calendar_year) AS ((calendar_year - 1) * 100 + calendar_year % 100);

-- An academic year in six figures: of 202425, 2024/25, 2024-2025, 20242025, and of 2025, the year in which it ends.
CREATE MACRO as_academic_year(written) AS (
    CASE
        WHEN regexp_full_match(written, '(19|20)[0-9]{2}') THEN year_ending(try_cast(written AS INTEGER))
        WHEN regexp_full_match(written, '(19|20)[0-9]{2} ?[/-]? ?(19|20)?[0-9]{2}')
            AND (try_cast(left(written, 4) AS INTEGER) + 1) % 100 = try_cast(right(written, 2) AS INTEGER)
        THEN year_ending(try_cast(left(written, 4) AS INTEGER) + 1)
    END
);

CREATE MACRO named_term(written) AS (
    CASE regexp_extract(lower(written), '(^|[^a-z])(aut|spr|sum)([a-z]*)', 2)
        WHEN 'aut' THEN 'autumn' WHEN 'spr' THEN 'spring' WHEN 'sum' THEN 'summer'
    END
);

CREATE MACRO year_in(written) AS (trim(regexp_replace(lower(written), '[a-z]+', '', 'g'), ' -_,'));

-- A term as 202425-autumn: of that, Autumn 2024/25, and Autumn 2024 or Spring 2025, the calendar year of the term.
CREATE MACRO as_term(written) AS (
    CASE
        WHEN regexp_full_match(trim(written, ' -_'), '(19|20)[0-9]{2}') OR named_term(written) IS NULL THEN NULL
        WHEN regexp_full_match(year_in(written), '(19|20)[0-9]{2}')
        THEN year_ending(try_cast(year_in(written) AS INTEGER) + if(named_term(written) = 'autumn', 1, 0))
            || '-' || named_term(written)
        ELSE as_academic_year(year_in(written)) || '-' || named_term(written)
    END
);

CREATE MACRO census_of(academic_year, term) AS (
    academic_year || '-' || CASE term WHEN 'AUT' THEN 'autumn' WHEN 'SPR' THEN 'spring' WHEN 'SUM' THEN 'summer' END
);

-- The academic year, September to August, that a day falls in, and its term.
CREATE MACRO school_year(day) AS (year_ending(year(day) + if(month(day) >= 9, 1, 0))::VARCHAR);

CREATE MACRO school_term(day) AS (
    school_year(day) || '-' || CASE WHEN month(day) >= 9 THEN 'autumn' WHEN month(day) < 4 THEN 'spring' ELSE 'summer' END
);

-- The academic year of the return, April to March, that a day falls in.
CREATE MACRO return_year(day) AS (year_ending(year(day) + if(month(day) >= 4, 1, 0))::VARCHAR);

-- A register is of no year: it tells how things stand on its day.
CREATE MACRO undated() AS ('undated');

-- Unique pupil numbers. The letters are those of upn.py, set as a variable before any file is read. UN1 to UN5 say why there is none.

CREATE MACRO is_upn(upn) AS (
    regexp_full_match(
        upn, '[' || getvariable('upn_letters') || '][0-9]{11}[0-9' || getvariable('upn_letters') || ']'
    )
);

CREATE MACRO is_no_upn(upn) AS (upn IN ('UN1', 'UN2', 'UN3', 'UN4', 'UN5'));

-- The check letter: weights 2 to 13 over the twelve characters that follow it, modulo 23; a letter counts as its
-- place in the alphabet without I, O and S. Every number of 13 characters of the right form has one.
--
-- The first eleven are figures, and weigh 12 times their number n less, for each figure but the last, what its place
-- weighs too much: so the number is read once, and not figure by figure.
CREATE MACRO upn_check_letter(upn) AS (
    substr(getvariable('upn_letters'), 1 + (
        list_transform([try_cast(upn[2:12] AS BIGINT)], lambda n:
            12 * n - 109 * (n // 10) - 100 * (n // 100) - 91 * (n // 1000) - 82 * (n // 10000) - 73 * (n // 100000)
            - 64 * (n // 1000000) - 55 * (n // 10000000) - 46 * (n // 100000000) - 37 * (n // 1000000000)
            - 28 * (n // 10000000000)
        )[1]
        + 13 * CASE
            WHEN upn[13] BETWEEN '0' AND '9' THEN ascii(upn[13]) - 48
            ELSE strpos(getvariable('upn_letters'), upn[13]) - 1
        END
    ) % 23, 1)
);

-- Row tokens, as tokens.py makes them: the first 32 hex figures of SHA-256 over the node's key and the identifier. What
-- comes of the key is set as a variable before any file is read.
CREATE MACRO row_token(identifier) AS (left(sha256(getvariable('token_prefix') || encode(identifier)), 32));

-- Ages and school years.

-- A day as a number, 20250331: of two, the ten thousands between them are the whole years. So whoever was born on 29
-- February is a year older on 1 March where there is no such day.
CREATE MACRO as_number(day) AS (10000 * year(day) + 100 * month(day) + day(day));

CREATE MACRO years_between(earlier, later) AS ((as_number(later) - as_number(earlier)) // 10000);

-- Completed years; NULL before birth.
CREATE MACRO age_on(born, day) AS (CASE WHEN born <= day THEN years_between(born, day) END);

-- The 31 August before the school year a day falls in.
CREATE MACRO school_year_eve(day) AS (make_date(year(day) - CASE WHEN month(day) < 9 THEN 1 ELSE 0 END, 8, 31));

-- Year group by age on that day: 4 years is Reception, 0; children under school age have negative numbers.
CREATE MACRO year_group_on(born, day) AS (
    (10000 * (year(day) - CASE WHEN month(day) < 9 THEN 1 ELSE 0 END) + 831 - as_number(born)) // 10000 - 4
);

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

-- The first letter of every ethnic group's code is that of its major group: A, B, C, M, O or W.
CREATE MACRO major_ethnicity(code) AS (
    CASE
        WHEN code IN ('REFU', 'NOBT') THEN 'unknown'
        WHEN code < 'B' THEN 'asian'
        WHEN code < 'C' THEN 'black'
        WHEN code < 'D' THEN 'chinese'
        WHEN code < 'N' THEN 'mixed'
        WHEN code < 'P' THEN 'other'
        WHEN code IS NOT NULL THEN 'white'
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
