#!/bin/sh
# perl: hash churn, sorting, regular expressions, threads and forks.
# package: perl
# uses: threads fork
# set: ci
prepare()
{
    make-input text 30000 >text
    cat >work.pl <<'PERL'
use strict;
use warnings;
use threads;
use threads::shared;

open my $in, '<', "$ENV{IN}/text" or die;
my (%count, %after, @lines);
while (<$in>) {
    chomp;
    push @lines, $_;
    my @words = split;
    $count{$_}++ for @words;
    push @{$after{$words[$_ - 1]}}, $words[$_] for 1 .. $#words;
}
for my $word ((sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9]) {
    my %next;
    $next{$_}++ for @{$after{$word}};
    my ($most) = sort { $next{$b} <=> $next{$a} || $a cmp $b } keys %next;
    print "$word $count{$word} $most\n";
}
my $text = join "\n", @lines[0 .. 3000];
$text =~ s/\b(\w\w)(\w*)\b/\u$2$1/g;
print length($text), ' ', unpack('%32C*', $text), "\n";
my $sum :shared = 0;
for (map { my $n = $_; threads->create(sub {
        my %own = map { $_ => [ 1 .. $n ] } 1 .. 3000;
        lock $sum;
        $sum += @$_ for values %own;
    }) } 1 .. 4) { $_->join }
print "$sum\n";
for my $n (1 .. 20) {
    my $pid = fork // die;
    if (!$pid) { my @copy = sort values %count; exit($copy[$n] % 2) }
    waitpid $pid, 0;
    print $? >> 8;
}
print "\n";
delete $count{$_} for keys %count;
PERL
}

work()
{
    run perl "$IN/work.pl"
}
