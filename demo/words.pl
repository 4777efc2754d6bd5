# The program that `make demo` runs: 300,000 strings built, sorted, counted and dropped,
# in the perl that every Debian has.
use strict;
use warnings;

my $n = shift // 300_000;
my $seed = 42;
my @words;
for (1 .. $n) {
    my $word = '';
    for (1 .. 3 + $seed % 9) {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        $word .= chr(97 + ($seed >> 16) % 26);
    }
    push @words, $word;
}
my %seen;
$seen{substr $_, 0, 3}++ for @words;
my @sorted  = sort @words;
my ($often) = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;

print "sorted $n words, from $sorted[0] to $sorted[-1]\n";
print "the commonest of ", scalar(keys %seen), " beginnings is $often, $seen{$often} times\n";
