# hashes.pl: hashes of arrays, strings that grow, sorting and regular expressions.
use strict;
my (%places, %count, @lines);
open my $in, '<', $ARGV[0] or die;
while (<$in>) {
    chomp;
    push @lines, $_;
    my $n = 0;
    for my $word (split / /) {
        push @{ $places{$word} }, [$., $n++];
        $count{ substr $word, 0, 2 }{$word}++;
    }
}
my @common = sort { @{ $places{$b} } <=> @{ $places{$a} } || $a cmp $b } keys %places;
my $swapped = 0;
for my $line (@lines) {
    (my $copy = $line) =~ s/(\w+) (\w+)/$2 $1/g;
    $swapped += $copy ne $line;
    $copy .= reverse $copy for 1 .. 2;
    $swapped += length($copy) & 1;
}
my @rows = map { { name => $_, first => $places{$_}[0][0], text => join ',', map { $_->[1] } @{ $places{$_} } } }
    @common;
@rows = sort { $a->{text} cmp $b->{text} || $a->{name} cmp $b->{name} } @rows for 1 .. 3;
print "@common[0 .. 4] $swapped ", scalar(@rows), " $rows[-1]{name}\n";
