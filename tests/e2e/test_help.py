"""test_help.py: `ashlar help`, `--version`, wrong usage, and that the manuals name what exists."""
import os
import re

import common
from common import SOURCES, Case


def read(path):
    with open(os.path.join(SOURCES, path), encoding='utf-8') as file:
        return file.read()


VERBS = re.findall(r'^  ashlar ([a-z]+) ', read('tests/e2e/golden/help.txt'), re.M)
CODES = re.findall(r'X\(([EFT]\d\d), ', read('src/base/errors.h'))
OPTIONS = re.findall(r'X\((\w+), "', read('src/wire/options.h'))


class Help(Case):
    def test_the_list_of_verbs(self):
        out = self.must('help')
        self.must_be_golden('help', out)
        self.assertEqual(self.must('--help'), out)

    def test_nothing_is_wrong_usage_and_shows_the_list(self):
        status, out, err = self.ask()
        self.assertEqual((status, err), (1, ''))
        self.must_be_golden('help', out)

    def test_every_verb(self):
        self.assertEqual(VERBS, ['run', 'stats', 'ps', 'record', 'lab', 'help'])
        for verb in VERBS:
            self.assertRegex(self.must('help', verb),
                             rf'^ashlar {verb} .+\n\n.+\n\nnext: ashlar .+\n$')
            if verb != 'help':
                self.assertIn(f'Usage: ashlar {verb}', self.must(verb, '--help'))

    def test_every_code(self):
        self.assertGreater(len(CODES), 15)
        for code in CODES:
            out = self.must('help', code)
            self.assertRegex(out, rf'^{code} \S.+\n\n\S.+\n\nnext: ashlar .+\n$')
            self.assertEqual(self.must('help', code.lower()), out)

    def test_every_option(self):
        out = self.must('help', 'options')
        self.assertGreater(len(OPTIONS), 10)
        for option in OPTIONS:
            self.assertRegex(out, rf'(?m)^  {option}\b.* \(default: .+\)$')

    def test_what_is_not_there(self):
        self.must_fail('T09', 'help', 'E99', status=1)
        self.must_fail('T09', 'leaks', status=1)
        self.assertIn("did you mean 'stats'?", self.must_fail('T09', 'stat', status=1))

    def test_the_version(self):
        self.assertRegex(self.must('--version'), r'^ashlar \d+\.\d+\.\d+\n$')


class Manuals(Case):
    def test_a_page_for_each_verb_and_no_other(self):
        pages = sorted(name for name in os.listdir(os.path.join(SOURCES, 'docs/man'))
                       if name.startswith('ashlar'))
        self.assertEqual(pages, sorted(['ashlar.1.scd'] + [f'ashlar-{v}.1.scd' for v in VERBS]))

    def test_every_option_is_in_the_page(self):
        page = read('docs/man/ashlar.1.scd')
        for option in OPTIONS:
            self.assertIn(f'*{option}*', page)


if __name__ == '__main__':
    common.main()
